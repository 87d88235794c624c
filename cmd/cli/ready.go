package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Between a process and the one it starts of itself these variables name descriptors. They are taken out of the
// environment as soon as they are read.
const (
	readyVariable = "SUPERVISORD_READY_FD" // the daemon says here that it answers, or why not
	argsVariable  = "SUPERVISORD_ARGS_FD"  // the arguments are read from here instead of the command line
)

// tidings is what a daemon in the making tells the command that started it.
type tidings struct {
	PID      int      `json:"pid,omitempty"`
	Address  string   `json:"address,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Error    string   `json:"error,omitempty"`
	Code     int      `json:"code,omitempty"`
}

// inherited takes the descriptor that a variable names, nil if there is none.
func inherited(variable string) (*os.File, error) {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(variable)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, usage("cannot use %s=%s: want the number of a descriptor", variable, text)
	}
	file := os.NewFile(uintptr(fd), variable)
	if file == nil {
		return nil, usage("cannot use %s=%s: no such descriptor", variable, text)
	}
	closeOnExec(file)
	return file, nil
}

// hiddenArgs reads the arguments that were passed beside the command line.
func hiddenArgs(file *os.File) ([]string, error) {
	defer file.Close()
	var args []string
	if err := json.NewDecoder(file).Decode(&args); err != nil {
		return nil, fmt.Errorf("cannot read the hidden arguments: %w", err)
	}
	return args, nil
}

// tell sends tidings and closes the pipe. The reader may be gone, which is its own business.
func tell(pipe *os.File, t tidings) {
	if pipe == nil {
		return
	}
	_ = json.NewEncoder(pipe).Encode(t)
	pipe.Close()
}

// listen waits for the tidings of a daemon in the making; without any, it ended before it could say why.
func listen(pipe io.Reader) (tidings, error) {
	var t tidings
	err := json.NewDecoder(pipe).Decode(&t)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return t, errors.New("it ended before it was ready")
	}
	return t, err
}
