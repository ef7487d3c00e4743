package engine

import "bytes"

// stopper passes text on up to the first stop string. What may be the start of one is
// held back until it is decided.
type stopper struct {
	stops [][]byte
	emit  func([]byte) error
	held  []byte
}

func newStopper(stops []string, emit func([]byte) error) *stopper {
	s := &stopper{emit: emit}
	for _, x := range stops {
		if x != "" {
			s.stops = append(s.stops, []byte(x))
		}
	}
	return s
}

// write adds text and reports whether a stop string was reached; then the text before it
// has been passed on and nothing more may be written.
func (s *stopper) write(text []byte) (stopped bool, err error) {
	if len(s.stops) == 0 {
		return false, s.emit(text)
	}
	s.held = append(s.held, text...)
	first := -1
	for _, x := range s.stops {
		if i := bytes.Index(s.held, x); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		s.held = s.held[:first]
		return true, s.flush()
	}
	keep := 0
	for _, x := range s.stops {
		keep = max(keep, overlap(s.held, x))
	}
	if n := len(s.held) - keep; n > 0 {
		err = s.emit(s.held[:n])
		s.held = append(s.held[:0], s.held[n:]...)
	}
	return false, err
}

// overlap returns the length of the longest proper start of x that ends text.
func overlap(text, x []byte) int {
	for n := min(len(text), len(x)-1); n > 0; n-- {
		if bytes.HasSuffix(text, x[:n]) {
			return n
		}
	}
	return 0
}

// flush passes on what was held back.
func (s *stopper) flush() error {
	if len(s.held) == 0 {
		return nil
	}
	err := s.emit(s.held)
	s.held = s.held[:0]
	return err
}
