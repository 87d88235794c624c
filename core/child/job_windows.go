package child

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What golang.org/x/sys/windows lacks.
var (
	kernel32                 = windows.NewLazySystemDLL("kernel32.dll")
	procAllocConsole         = kernel32.NewProc("AllocConsole")
	procGetCompletion        = kernel32.NewProc("GetQueuedCompletionStatus")
	procRegisterWait         = kernel32.NewProc("RegisterWaitForSingleObject")
	procUnregisterWait       = kernel32.NewProc("UnregisterWait")
	procGetProcessMemoryInfo = kernel32.NewProc("K32GetProcessMemoryInfo")
)

// How the thread pool carries out a wait (winnt.h): it tells once, and the thread that waits does the telling.
const (
	executeOnce  = 0x8 // WT_EXECUTEONLYONCE
	inWaitThread = 0x4 // WT_EXECUTEINWAITTHREAD
)

// job is a Windows job object: what its first process starts is in it too, and everything in it ends when the last handle to
// it is closed, as it is when this process ends, however that comes. The handle is never inherited.
type job struct{ handle windows.Handle }

// newJob makes a job whose messages go to the port under the key. With alone, what its process starts stays out of it.
func newJob(port windows.Handle, key uintptr, alone bool) (job, error) {
	handle, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return job{}, err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if alone {
		limits.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
	}
	_, err = windows.SetInformationJobObject(handle, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		// JOBOBJECT_ASSOCIATE_COMPLETION_PORT
		associate := struct {
			key  uintptr
			port windows.Handle
		}{key, port}
		_, err = windows.SetInformationJobObject(handle, windows.JobObjectAssociateCompletionPortInformation,
			uintptr(unsafe.Pointer(&associate)), uint32(unsafe.Sizeof(associate)))
	}
	if err != nil {
		windows.CloseHandle(handle)
		return job{}, err
	}
	return job{handle}, nil
}

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION; times in units of 100 ns.
type accounting struct {
	user, kernel, periodUser, periodKernel int64
	faults, total, active, terminated      uint32
}

func (j job) accounting() (info accounting, err error) {
	err = windows.QueryInformationJobObject(j.handle, windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	return info, err
}

// active counts the processes in the job.
func (j job) active() (int, error) {
	info, err := j.accounting()
	return int(info.active), err
}

// spent is the processor time of all that are and were in the job.
func (j job) spent() (time.Duration, error) {
	info, err := j.accounting()
	return time.Duration(info.user+info.kernel) * 100, err
}

// terminate ends everything in the job at once.
func (j job) terminate() error { return windows.TerminateJobObject(j.handle, killedCode) }

func (j job) close() { windows.CloseHandle(j.handle) }

// receive waits for the next message of a port. The third word of a job's message is a number and no pointer, which the
// signature in golang.org/x/sys/windows would make of it.
func receive(port windows.Handle) (message uint32, key uintptr, err error) {
	var overlapped uintptr
	ok, _, err := procGetCompletion.Call(uintptr(port), uintptr(unsafe.Pointer(&message)), uintptr(unsafe.Pointer(&key)),
		uintptr(unsafe.Pointer(&overlapped)), windows.INFINITE)
	if ok == 0 {
		return 0, 0, err
	}
	return message, key, nil
}

// watch tells the port, once and under the kid's key, when the process has ended. The system's thread pool waits, sixty-odd
// processes a thread (MSDN, RegisterWaitForSingleObject).
func watch(k *kid) (wait windows.Handle, err error) {
	ok, _, err := procRegisterWait.Call(uintptr(unsafe.Pointer(&wait)), uintptr(k.process), k.host.callback, k.key,
		windows.INFINITE, executeOnce|inWaitThread)
	if ok == 0 {
		return 0, err
	}
	return wait, nil
}

func unwatch(wait windows.Handle) { _, _, _ = procUnregisterWait.Call(uintptr(wait)) }
