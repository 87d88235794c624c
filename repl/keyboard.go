package repl

import (
	"io"
	"os"

	"github.com/chzyer/readline"
)

// keyboard is the input of an editor. Between two lines the terminal is not in raw mode, and Ctrl-C comes as a signal:
// as long as a line is being read, the signal is turned back into the key.
type keyboard struct {
	in         io.Reader
	interrupts <-chan os.Signal
	reads      chan keys // results of the reader, one for each asked
	asked      bool      // the reader is at work
	rest       []byte    // read, but not taken yet
	ended      <-chan struct{}
}

// keys is what one read gave.
type keys struct {
	text []byte
	err  error
}

// newKeyboard reads in until ended is closed; a read under way then ends with the program.
func newKeyboard(in io.Reader, interrupts <-chan os.Signal, ended <-chan struct{}) *keyboard {
	return &keyboard{in: in, interrupts: interrupts, reads: make(chan keys, 1), ended: ended}
}

// Read is called by one goroutine, and only while a line is being read.
func (k *keyboard) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		if !k.asked {
			k.asked = true
			go func() {
				b := make([]byte, 4096)
				n, err := k.in.Read(b)
				k.reads <- keys{b[:n], err}
			}()
		}
		select {
		case got := <-k.reads:
			k.asked = false
			if k.rest = got.text; len(k.rest) == 0 {
				return 0, got.err
			}
		case <-k.interrupts:
			k.rest = []byte{readline.CharInterrupt}
		case <-k.ended:
			return 0, io.EOF
		}
	}
	n := copy(p, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}

// Close does nothing: the input is not the keyboard's.
func (k *keyboard) Close() error { return nil }
