// SPDX-License-Identifier: MIT

// The benchmark's cases in Go, as near to tests/bench/cases_*.c as the language
// allows: a goroutine is a task, a channel of capacity 1 a oneshot. Go has no
// unbounded channel, and its goroutines are preempted, not polled.
//
// Reads "CASE LEVEL MILLISECONDS" lines and answers each with
// "NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS", or "-" for a case it
// does not have. WORKERS (GOMAXPROCS) is its only argument.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	spawns     = 10000
	yielders   = 200
	yields     = 1000
	pings      = 1000
	chainDepth = 1000
	live       = 200000
	senders    = 5
	sends      = 1000
	requests   = 1000
	timerTasks = 8
	timerOps   = 1000
	sleepers   = 100
	echoBytes  = 64
)

// done is what an iteration did; ns is its own idea of ns per op, 0 for time / ops.
type done struct {
	ops int
	ns  float64
}

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

// The main goroutine is a goroutine like any other: there is no outside to spawn from.
func spawnWorker() done {
	c := newCountdown(spawns)
	go func() {
		for i := 0; i < spawns; i++ {
			go c.one()
		}
	}()
	<-c.done
	return done{ops: spawns}
}

func spawnJoin() done {
	c := newCountdown(1)
	go func() {
		handles := make([]chan struct{}, 1000)
		for i := range handles {
			handle := make(chan struct{}, 1)
			handles[i] = handle
			go func() { handle <- struct{}{} }()
		}
		for _, handle := range handles {
			<-handle
		}
		c.one()
	}()
	<-c.done
	return done{ops: 1000}
}

func yieldMany() done {
	c := newCountdown(yielders)
	for i := 0; i < yielders; i++ {
		go func() {
			for j := 0; j < yields; j++ {
				runtime.Gosched()
			}
			c.one()
		}()
	}
	<-c.done
	return done{ops: yielders * yields}
}

func pingPong() done {
	c := newCountdown(pings)
	go func() {
		for i := 0; i < pings; i++ {
			go func() {
				one, two := make(chan struct{}, 1), make(chan struct{}, 1)
				go func() {
					<-one
					two <- struct{}{}
				}()
				one <- struct{}{}
				<-two
				c.one()
			}()
		}
	}()
	<-c.done
	return done{ops: pings}
}

func chain(c *countdown, n int) {
	if n == 0 {
		c.one()
		return
	}
	go chain(c, n-1)
}

func chainedSpawn() done {
	c := newCountdown(1)
	go chain(c, chainDepth)
	<-c.done
	return done{ops: chainDepth}
}

var residentBefore float64

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	must(err)
	var size, pages float64
	_, err = fmt.Sscan(string(text), &size, &pages)
	must(err)
	return pages * float64(os.Getpagesize())
}

// 200 000 goroutines wait for a channel: "ns" is bytes of memory for each, its stack included.
func taskMemory() done {
	waiting, ended := newCountdown(live), newCountdown(live)
	gate := make(chan struct{})
	if residentBefore == 0 {
		residentBefore = residentBytes()
	}
	for i := 0; i < live; i++ {
		go func() {
			waiting.one()
			<-gate
			ended.one()
		}()
	}
	<-waiting.done
	bytes := (residentBytes() - residentBefore) / live
	close(gate)
	<-ended.done
	return done{ops: live, ns: bytes}
}

func channel(capacity int) done {
	ch := make(chan int, capacity)
	for i := 0; i < senders; i++ {
		go func() {
			for j := 0; j < sends; j++ {
				ch <- j
			}
		}()
	}
	for i := 0; i < senders*sends; i++ {
		<-ch
	}
	return done{ops: senders * sends}
}

// Go allocates the whole buffer at once; as many slots as messages do the same work.
func channelAlone() done {
	ch := make(chan int, senders*sends)
	for i := 0; i < senders*sends; i++ {
		ch <- i
	}
	for i := 0; i < senders*sends; i++ {
		<-ch
	}
	return done{ops: senders * sends}
}

func requestReply() done {
	ch := make(chan chan struct{}, 10)
	go func() {
		for reply := range ch {
			reply <- struct{}{}
		}
	}()
	for i := 0; i < requests; i++ {
		reply := make(chan struct{}, 1)
		ch <- reply
		<-reply
	}
	close(ch)
	return done{ops: requests}
}

func timerCancel() done {
	c := newCountdown(timerTasks)
	for i := 0; i < timerTasks; i++ {
		go func() {
			for j := 0; j < timerOps; j++ {
				time.NewTimer(time.Second).Stop()
			}
			c.one()
		}()
	}
	<-c.done
	return done{ops: timerTasks * timerOps}
}

func sleepLateness() done {
	late := make([]float64, sleepers*10)
	var group sync.WaitGroup
	for i := 0; i < sleepers; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			span := time.Duration(1000+10*i) * time.Microsecond
			for j := 0; j < 10; j++ {
				deadline := time.Now().Add(span)
				time.Sleep(span)
				late[i*10+j] = float64(time.Since(deadline))
			}
		}()
	}
	group.Wait()
	sort.Float64s(late)
	return done{ops: len(late), ns: late[len(late)/2]}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveEcho() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() {
		for {
			conn, err := listener.Accept()
			must(err)
			go func() {
				defer conn.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					if _, err = conn.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func echo(address string, connections, rounds int) done {
	c := newCountdown(connections)
	for i := 0; i < connections; i++ {
		go func() {
			conn, err := net.Dial("tcp", address)
			must(err)
			defer conn.Close()
			buffer := make([]byte, echoBytes)
			for j := 0; j < rounds; j++ {
				_, err = conn.Write(buffer)
				must(err)
				_, err = io.ReadFull(conn, buffer)
				must(err)
			}
			c.one()
		}()
	}
	<-c.done
	return done{ops: connections * rounds}
}

// CPU nanoseconds and voluntary switches of this process so far.
func usage() (float64, float64) {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano() + u.Stime.Nano()), float64(u.Nvcsw)
}

func sample(iterate func() done, span time.Duration) string {
	iterate() // warm
	var own []float64
	count := 0
	cpu, switches := usage()
	start := time.Now()
	for time.Since(start) < span {
		d := iterate()
		count += d.ops
		if d.ns != 0 {
			own = append(own, d.ns)
		}
	}
	n := float64(count)
	ns := float64(time.Since(start)) / n
	cpuEnd, switchesEnd := usage()
	if len(own) > 0 {
		sort.Float64s(own)
		ns = own[len(own)/2]
	}
	return fmt.Sprintf("%.1f %.1f %.2f %d", ns, (cpuEnd-cpu)/n, (switchesEnd-switches)*1000/n, count)
}

func main() {
	workers := 1
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		must(err)
		workers = n
	}
	runtime.GOMAXPROCS(workers)
	address := serveEcho()
	cases := map[string]func() done{
		"spawn_worker":    spawnWorker,
		"spawn_join":      spawnJoin,
		"yield":           yieldMany,
		"ping_pong":       pingPong,
		"chained_spawn":   chainedSpawn,
		"task_memory":     taskMemory,
		"channel_bounded": func() done { return channel(senders * sends) },
		"channel_full":    func() done { return channel(100) },
		"channel_alone":   channelAlone,
		"request_reply":   requestReply,
		"timer_cancel":    timerCancel,
		"sleep_lateness":  sleepLateness,
		"echo_1":          func() done { return echo(address, 1, 2000) },
		"echo_64":         func() done { return echo(address, 64, 100) },
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var level, ms int
		fmt.Sscan(lines.Text(), &name, &level, &ms)
		if iterate, ok := cases[name]; ok {
			fmt.Println(sample(iterate, time.Duration(ms)*time.Millisecond))
		} else {
			fmt.Println("-")
		}
	}
}
