package child

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	procIsProcessInJob  = kernel32.NewProc("IsProcessInJob")
	procGetHandleCount  = kernel32.NewProc("GetProcessHandleCount")
	errProcessesUnknown = errors.New("its job does not tell its processes")
)

// Load is what a life takes: its leader and everything that is in its job.
type Load struct {
	Memory    int64         // bytes that are no other process's: committed, private
	CPU       time.Duration // since the start, by those too that have ended, as far as the system counts them
	Processes int
	Threads   int
	Handles   int
}

// Measure tells what the lives of these leaders take, by the leader's pid. What is none of this Host's, or is over, is left out, and
// so is what ends meanwhile.
func (h *Host) Measure(leaders []int) (map[int]Load, error) {
	wanted := make(map[int]bool, len(leaders))
	for _, pid := range leaders {
		wanted[pid] = true
	}
	var found []*kid
	h.mu.Lock()
	for _, k := range h.kids {
		if wanted[k.pid] {
			found = append(found, k)
		}
	}
	h.mu.Unlock()
	threads, err := threadCounts()
	if err != nil {
		return nil, err
	}
	loads := make(map[int]Load, len(found))
	for _, k := range found {
		l, err := k.measure(threads)
		if err != nil {
			return nil, err
		}
		loads[k.pid] = l
	}
	return loads, nil
}

func (k *kid) measure(threads map[uint32]int) (l Load, err error) {
	k.mu.Lock() // while it is held the job's handle is open
	defer k.mu.Unlock()
	if k.ended {
		return Load{}, nil
	}
	pids, err := k.job.processes()
	if err != nil {
		return Load{}, err
	}
	for _, pid := range pids {
		process, err := windows.OpenProcess(windows.PROCESS_QUERY_INFORMATION, false, pid)
		if err != nil {
			process, err = windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid) // of another account
		}
		if err != nil {
			continue // it has ended
		}
		if k.job.holds(process) { // and its number is no other's by now
			l.Processes++
			l.Threads += threads[pid]
			if memory, ok := memoryOf(process); ok {
				l.Memory += int64(memory.pagefile)
			}
			l.CPU += processorTime(process)
			l.Handles += handleCount(process)
		}
		windows.CloseHandle(process)
	}
	if spent, err := k.job.spent(); err == nil {
		l.CPU = max(l.CPU, spent) // those that have ended count; Wine's jobs count no time
	}
	return l, nil
}

// processes are those of the job.
func (j job) processes() ([]uint32, error) {
	for room := 16; room <= 1<<20; room *= 4 {
		// JOBOBJECT_BASIC_PROCESS_ID_LIST: how many there are, how many follow, and these, as large as a pointer.
		list := make([]uintptr, 1+room)
		err := windows.QueryInformationJobObject(j.handle, windows.JobObjectBasicProcessIdList, uintptr(unsafe.Pointer(&list[0])),
			uint32(len(list))*uint32(unsafe.Sizeof(list[0])), nil)
		if errors.Is(err, windows.ERROR_MORE_DATA) {
			continue
		}
		if err != nil {
			return nil, err
		}
		counts := (*[2]uint32)(unsafe.Pointer(&list[0]))
		const head = 8 / unsafe.Sizeof(uintptr(0)) // words that the two counts take
		var all []uint32
		for i := range uintptr(counts[1]) {
			all = append(all, uint32(list[head+i]))
		}
		return all, nil
	}
	return nil, errProcessesUnknown
}

// holds tells whether a process is in the job.
func (j job) holds(process windows.Handle) bool {
	var in int32
	ok, _, _ := procIsProcessInJob.Call(uintptr(process), uintptr(j.handle), uintptr(unsafe.Pointer(&in)))
	return ok != 0 && in != 0
}

// threadCounts are how many threads each process of the system has.
func threadCounts() (map[uint32]int, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(snapshot)
	counts := map[uint32]int{}
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		counts[entry.ProcessID] = int(entry.Threads)
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return nil, err
	}
	return counts, nil
}

func processorTime(process windows.Handle) time.Duration {
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(process, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	return span(user) + span(kernel)
}

func handleCount(process windows.Handle) int {
	var count uint32
	if ok, _, _ := procGetHandleCount.Call(uintptr(process), uintptr(unsafe.Pointer(&count))); ok == 0 {
		return 0
	}
	return int(count)
}

// memoryCounters is PROCESS_MEMORY_COUNTERS. What is committed for the process alone is its pagefile usage (MSDN: the same as
// PrivateUsage of the longer structure, which Wine does not fill).
type memoryCounters struct {
	size, faults                                                     uint32
	peakWorkingSet, workingSet                                       uintptr
	peakPaged, paged, peakNonPaged, nonPaged, pagefile, peakPagefile uintptr
}

func memoryOf(process windows.Handle) (m memoryCounters, ok bool) {
	m.size = uint32(unsafe.Sizeof(m))
	done, _, _ := procGetProcessMemoryInfo.Call(uintptr(process), uintptr(unsafe.Pointer(&m)), uintptr(m.size))
	return m, done != 0
}
