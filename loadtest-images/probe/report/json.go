package report

import (
	"encoding/json"
	"io"
	"strconv"
)

// flushBytes is how much is gathered before it is written.
const flushBytes = 16 << 10

// jsonWriter writes JSON without building it whole; commas come by themselves. The first error stops it.
type jsonWriter struct {
	w      io.Writer
	buffer []byte
	err    error
}

func (j *jsonWriter) open(bracket byte) { j.buffer = append(j.buffer, bracket) }

func (j *jsonWriter) close(bracket byte) {
	j.buffer = append(j.buffer, bracket)
	if len(j.buffer) >= flushBytes {
		// The last byte stays: the comma before the next item is decided by it.
		j.send(len(j.buffer) - 1)
	}
}

func (j *jsonWriter) flush() { j.send(len(j.buffer)) }

func (j *jsonWriter) send(length int) {
	if j.err == nil {
		_, j.err = j.w.Write(j.buffer[:length])
	}
	j.buffer = append(j.buffer[:0], j.buffer[length:]...)
}

// item begins a member of an array, or of an object.
func (j *jsonWriter) item() *jsonWriter {
	if last := len(j.buffer) - 1; last >= 0 && j.buffer[last] != '{' && j.buffer[last] != '[' {
		j.buffer = append(j.buffer, ',')
	}
	return j
}

func (j *jsonWriter) key(name string) *jsonWriter {
	j.item()
	j.buffer = append(append(append(j.buffer, '"'), name...), '"', ':')
	return j
}

func (j *jsonWriter) text(value string) {
	encoded, err := json.Marshal(value)
	if err != nil && j.err == nil {
		j.err = err
	}
	j.buffer = append(j.buffer, encoded...)
}

func (j *jsonWriter) textOrNull(value string) {
	if value == "" {
		j.buffer = append(j.buffer, "null"...)
		return
	}
	j.text(value)
}

func (j *jsonWriter) boolean(value bool) { j.buffer = strconv.AppendBool(j.buffer, value) }

func (j *jsonWriter) number(value float64, decimals int) {
	j.buffer = strconv.AppendFloat(j.buffer, value, 'f', decimals, 64)
}

func (j *jsonWriter) integers(values []int) {
	j.open('[')
	for _, value := range values {
		j.item()
		j.buffer = strconv.AppendInt(j.buffer, int64(value), 10)
	}
	j.close(']')
}

func (j *jsonWriter) texts(values []string) {
	j.open('[')
	for _, value := range values {
		j.item().text(value)
	}
	j.close(']')
}

func (j *jsonWriter) rows(rows [][]float64, decimals []int) {
	j.open('[')
	for _, row := range rows {
		j.item().open('[')
		for i, value := range row {
			j.item().number(value, decimals[i])
		}
		j.close(']')
	}
	j.close(']')
}
