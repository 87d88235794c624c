//go:build !linux

package logs

// rests: pumps cannot rest here.
const rests = false

// watcher: there is none here, each pump keeps its goroutine.
type watcher struct{}

func (*watcher) rest(*Pump, uintptr) bool { return false }
func (*watcher) rouse(p *Pump) bool       { return p.token != 0 } // never
func (*watcher) close()                   {}
