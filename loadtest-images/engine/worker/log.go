package worker

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// logger writes lines as the fleet's other processes do, secrets masked.
type logger struct {
	mu   sync.Mutex
	out  io.Writer
	mask mask
}

func (l *logger) write(level, format string, arguments ...any) {
	text := l.mask.text(fmt.Sprintf(format, arguments...))
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%sZ %s worker: %s\n", time.Now().UTC().Format("2006-01-02T15:04:05"), level, text)
}

func (l *logger) info(format string, arguments ...any)  { l.write("INFO", format, arguments...) }
func (l *logger) error(format string, arguments ...any) { l.write("ERROR", format, arguments...) }
