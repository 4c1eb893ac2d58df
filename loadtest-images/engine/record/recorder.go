package record

// Recorder is safe for concurrent use.
type Recorder struct{}

// Add records a request; it keeps nothing of s.
func (r *Recorder) Add(s *Sample) {}

// Drop counts an arrival that was not sent.
func (r *Recorder) Drop(m Moment) {}

// Take gives what was recorded since the last call.
func (r *Recorder) Take() Report { return Report{} }
