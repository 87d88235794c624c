package main

import "strconv"

// What Go itself does in the same work. The functions must stay calls.

//go:noinline
func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:noinline
func add(a, b int) int { return a + b }

//go:noinline
func makeAdder(n int) func(int) int { return func(x int) int { return x + n } }

//go:noinline
func makeCounter() func() int {
	n := 0
	return func() int { n++; return n }
}

//go:noinline
func filter(keep func(int) bool, xs []int) []int {
	var out []int
	for _, x := range xs {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

//go:noinline
func transform(f func(int) int, xs []int) []int {
	out := make([]int, 0, len(xs))
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}

var (
	hashKeys = func() (keys []string) {
		for i := range 64 {
			keys = append(keys, "key"+strconv.Itoa(i))
		}
		return keys
	}()
	numbers, shuffled = func() (numbers, shuffled []int) {
		for i := range 20_000 {
			numbers = append(numbers, i)
		}
		for i := range 5000 {
			shuffled = append(shuffled, i*7919%5003)
		}
		return numbers, shuffled
	}()
)
