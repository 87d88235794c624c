// Answer is a small service for tests: answer ADDRESS TEXT answers every request at the address with the text, answer
// ADDRESS without text takes the address and never answers well.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	err := http.ListenAndServe(os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(os.Args) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, os.Args[2])
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
