package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// usageLine is one element of the value of (usage).
type usageLine struct {
	Name                    string
	Memory                  int64
	CPU                     float64
	Processes, Threads, FDs *int64
}

// renderUsage prints what processes take; what could not be found out is a dash.
func renderUsage(v *view) error {
	var all []usageLine
	if json.Unmarshal(v.value, &all) != nil {
		return renderText(v)
	}
	count := func(n *int64) cell {
		if n == nil {
			return cell{text: "-"}
		}
		return cell{text: strconv.FormatInt(*n, 10)}
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	t.words("NAME", "MEMORY", "CPU", "PROCESSES", "THREADS", "FDS")
	for _, u := range all {
		t.add(cell{text: u.Name}, cell{text: bytesText(u.Memory)}, cell{text: cpuText(u.CPU)}, count(u.Processes), count(u.Threads), count(u.FDs))
	}
	return t.write(v.out)
}

// bytesText writes a size with the unit that leaves up to four digits.
func bytesText(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return strconv.FormatInt(n, 10)
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1<<10 && unit < len(units)-1 {
		size, unit = size/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f%c", size, units[unit])
}

// cpuText writes seconds of processor time.
func cpuText(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return span(seconds)
}
