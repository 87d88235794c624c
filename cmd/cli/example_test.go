package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/qjpcpu/supervisord/cmd/cli"
)

// A program that embeds supervisord calls Main with the words of its own command line; its main must get there whenever
// the program is started, because a daemon that goes into the background starts the program again.
func ExampleMain() {
	var out bytes.Buffer
	code := cli.Main(context.Background(),
		[]string{"service", "restart", "web", "--form"},
		cli.Stdio{In: strings.NewReader(""), Out: &out, Err: &out},
		cli.Options{})
	fmt.Print(code, " ", out.String())
	// Output: 0 (restart "web")
}

// The whole of a main function.
func ExampleRun() {
	cli.Run()
}
