package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times under /proc. It is the same on every system that Go runs Linux programs on.
const clockTick = 10 * time.Millisecond

var errNoProc = errors.New("this system does not tell the processor time of a process")

// stat is what /proc says about a process.
type stat struct {
	parent int
	own    time.Duration // processor time in user and kernel mode
	ended  time.Duration // the same of children that are over
}

// readStat reads the stat of a process. Its second field is a name in brackets, which may hold anything.
func readStat(pid string) (stat, error) {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return stat{}, errNoProc
	}
	return parseStat(b)
}

func parseStat(b []byte) (stat, error) {
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return stat{}, errNoProc
	}
	var n [15]int64
	for _, i := range []int{1, 11, 12, 13, 14} {
		v, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("read processor time: %w", err)
		}
		n[i] = v
	}
	return stat{parent: int(n[1]), own: time.Duration(n[11]+n[12]) * clockTick, ended: time.Duration(n[13]+n[14]) * clockTick}, nil
}

// processCPU is the processor time that a process has used.
func processCPU(pid int) (time.Duration, error) {
	s, err := readStat(strconv.Itoa(pid))
	return s.own, err
}

// familyCPU is the processor time that a process and its children have used, those that are over among them.
func familyCPU(pid int) (time.Duration, error) {
	s, err := readStat(strconv.Itoa(pid))
	if err != nil {
		return 0, err
	}
	sum := s.own + s.ended
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, errNoProc
	}
	for _, e := range entries {
		if c := e.Name()[0]; c < '0' || c > '9' {
			continue
		}
		if child, err := readStat(e.Name()); err == nil && child.parent == pid {
			sum += child.own
		}
	}
	return sum, nil
}

// machineCPU is the processor time that the whole machine has spent on anything, and that which its host has given to others while it had work for it: the latter is known of
// virtual machines alone.
func machineCPU() (spent, stolen time.Duration, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, errNoProc
	}
	return parseMachine(b)
}

func parseMachine(b []byte) (spent, stolen time.Duration, err error) {
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, errNoProc
	}
	for i, sum := range map[int]*time.Duration{1: &spent, 2: &spent, 3: &spent, 6: &spent, 7: &spent, 8: &stolen} { // not idle, waiting for the disk, and what is counted already
		ticks, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read processor time: %w", err)
		}
		*sum += time.Duration(ticks) * clockTick
	}
	return spent, stolen, nil
}

// peakMemory is the most memory that a process has had in use, in bytes, or 0 where the system does not tell.
func peakMemory(pid int) int64 {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(b), "VmHWM:")
	if !ok {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// loadAverage is how many processes have run or wanted to in the last minute.
func loadAverage() (float64, error) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), " ")
	return strconv.ParseFloat(first, 64)
}
