package lambdahost

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
)

const (
	// maxLine bounds what is kept of a line that does not end, in bytes.
	maxLine = 256 << 10
	// chunk is how much is read at once, in bytes.
	chunk = 32 << 10
	// catchUpLimit bounds one catchUp, in bytes: a pipe holds no more
	// (fs.pipe-max-size, see pipe(7)), so all that stood in it has been read then,
	// even if the process goes on writing.
	catchUpLimit = 1 << 20
)

// A stream cuts what a process writes to stdout or stderr into lines.
//
// It is read from two sides: by pump, as things come, and by catchUp, at a point
// in time before which everything written must have been seen. Reading and
// cutting are one step under mu, so that the order stays.
type stream struct {
	file *os.File
	raw  syscall.RawConn
	now  func() string // the request that is under way
	emit func(requestID, text string)

	mu      sync.Mutex
	buffer  [chunk]byte
	pending []byte // a line without its end yet
	begun   string // the request during which pending was begun
}

func newStream(file *os.File, now func() string, emit func(requestID, text string)) (*stream, error) {
	raw, err := file.SyscallConn()
	return &stream{file: file, raw: raw, now: now, emit: emit}, err
}

// pump reads until every writer has closed the stream, or it is closed here.
func (s *stream) pump(context.Context) {
	// The error is that of a file closed here, which is an end like the other.
	_ = s.raw.Read(func(fd uintptr) bool {
		for {
			if n, err := s.step(fd); n == 0 {
				return !errors.Is(err, syscall.EAGAIN) // Else wait until there is something to read.
			}
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 {
		s.flush()
	}
}

// catchUp reads what the process has written before the call.
func (s *stream) catchUp() {
	// The error is that of a file closed already, of which pump saw the end.
	_ = s.raw.Control(func(fd uintptr) {
		for total := 0; total < catchUpLimit; {
			n, _ := s.step(fd)
			if n == 0 {
				return
			}
			total += n
		}
	})
}

// step reads once and emits the lines that end in what it read. It is 0 at the
// end of the stream, and with EAGAIN when there is nothing at the moment.
func (s *stream) step(fd uintptr) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := readNow(fd, s.buffer[:])
	if n <= 0 {
		return 0, err
	}
	s.cut(s.buffer[:n])
	return n, nil
}

// cut emits the lines of data, and keeps what follows the last one.
func (s *stream) cut(data []byte) {
	for len(data) > 0 {
		if len(s.pending) == 0 {
			s.begun = s.now()
		}
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		if room := maxLine - len(s.pending); len(line) > room {
			s.pending = append(s.pending, line[:room]...)
			s.flush()
			data = data[room:]
			continue
		}
		s.pending = append(s.pending, line...)
		if ended {
			s.flush()
		}
		data = rest
	}
}

// flush emits what is pending as a line.
func (s *stream) flush() {
	text := string(s.pending)
	s.pending = s.pending[:0]
	s.emit(s.begun, text)
}
