// SPDX-License-Identifier: MIT

// The benchmark's cases in Go, as near to tests/bench/cases_*.c as the language
// allows: a goroutine is a task, a channel of capacity 1 a oneshot. Go has no
// threads that are outside, no unbounded channel, no blocking pool and no
// block_on; its goroutines are preempted, not polled.
//
// Reads "CASE LEVEL MILLISECONDS" lines and answers each with
// "NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS P99", or "-" for a case it
// does not have. Its only argument is GOMAXPROCS, or "current", which is 1;
// "list" lists the cases.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// done is what an iteration did; ns and p99 are its own figures where they are not time / ops.
type done struct {
	ops     int
	ns, p99 float64
}

// times is the median and the 99th percentile of times.
func times(all []float64) done {
	sort.Float64s(all)
	return done{ops: len(all), ns: all[len(all)/2], p99: all[len(all)*99/100]}
}

type benchCase struct {
	name    string
	iterate func() done
	current bool // where the peers have a current-thread runtime
	once    bool // a sample is one iteration, without one to warm up
}

var workers = 1

// The last of n calls of one() releases the one who waits.
type countdown struct {
	left int64
	done chan struct{}
}

func newCountdown(n int) *countdown {
	return &countdown{left: int64(n), done: make(chan struct{}, 1)}
}

func (c *countdown) one() {
	if atomic.AddInt64(&c.left, -1) == 0 {
		c.done <- struct{}{}
	}
}

type usage struct{ wall, cpu, switches float64 }

var (
	started = time.Now()
	began   usage
	timed   usage
	isTimed bool
)

func usageNow() usage {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return usage{float64(time.Since(started)), float64(u.Utime.Nano() + u.Stime.Nano()), float64(u.Nvcsw)}
}

func (u usage) since(began usage) usage {
	return usage{u.wall - began.wall, u.cpu - began.cpu, u.switches - began.switches}
}

// What is measured of an iteration that has preparations: from begin to end.
func begin() {
	began = usageNow()
}

func end() {
	timed, isTimed = usageNow().since(began), true
}

func sample(c *benchCase, span time.Duration) string {
	if !c.once {
		c.iterate() // warm
	}
	var own, tail []float64
	var sum usage
	count := 0
	start := time.Now()
	for {
		isTimed = false
		before := usageNow()
		d := c.iterate()
		if !isTimed {
			timed = usageNow().since(before)
		}
		sum = usage{sum.wall + timed.wall, sum.cpu + timed.cpu, sum.switches + timed.switches}
		count += d.ops
		if d.ns != 0 {
			own, tail = append(own, d.ns), append(tail, d.p99)
		}
		if c.once || time.Since(start) >= span {
			break
		}
	}
	n := float64(count)
	ns, p99 := sum.wall/n, 0.0
	if len(own) > 0 {
		sort.Float64s(own)
		sort.Float64s(tail)
		ns, p99 = own[len(own)/2], tail[len(tail)/2]
	}
	return fmt.Sprintf("%.1f %.1f %.2f %d %.1f", ns, sum.cpu/n, sum.switches*1000/n, count, p99)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func find(name string, current bool) *benchCase {
	for _, list := range caseLists {
		for i := range list {
			if list[i].name == name && list[i].current == current {
				return &list[i]
			}
		}
	}
	return nil
}

var caseLists [][]benchCase

func list() {
	for _, list := range caseLists {
		for _, c := range list {
			where := "workers"
			if c.current {
				where = "current"
			}
			fmt.Println(where, c.name)
		}
	}
}

func main() {
	caseLists = [][]benchCase{multiCases, spawnCases, channelCases, syncCases, timeCases, netCases, memoryCases}
	argument := "1"
	if len(os.Args) > 1 {
		argument = os.Args[1]
	}
	if argument == "list" {
		list()
		return
	}
	current := argument == "current"
	if !current {
		n, err := strconv.Atoi(argument)
		must(err)
		workers = n
	}
	runtime.GOMAXPROCS(workers)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var level, ms int
		if _, err := fmt.Sscan(lines.Text(), &name, &level, &ms); err != nil {
			must(err)
		}
		if c := find(name, current); c != nil {
			fmt.Println(sample(c, time.Duration(ms)*time.Millisecond))
		} else {
			fmt.Println("-")
		}
	}
}
