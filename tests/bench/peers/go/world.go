// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	timerTasks  = 8
	timerOps    = 1000
	sleepersFew = 100
	sleeps      = 10
	sleepers    = 100000
)

// ---------------------------------------------------------------------- time

func cancelling() {
	for i := 0; i < timerOps; i++ {
		time.NewTimer(time.Second).Stop()
	}
}

func cancelOne() done {
	cancelling()
	return done{ops: timerOps}
}

func cancelEight() done {
	var group sync.WaitGroup
	group.Add(timerTasks)
	for i := 0; i < timerTasks; i++ {
		go func() {
			cancelling()
			group.Done()
		}()
	}
	group.Wait()
	return done{ops: timerTasks * timerOps}
}

func sleepers100() done {
	late := make([]float64, sleepersFew*sleeps)
	var group sync.WaitGroup
	group.Add(sleepersFew)
	begin()
	for i := 0; i < sleepersFew; i++ {
		go func() {
			span := time.Duration(1000+10*i) * time.Microsecond
			for j := 0; j < sleeps; j++ {
				deadline := time.Now().Add(span)
				time.Sleep(span)
				late[i*sleeps+j] = float64(time.Since(deadline))
			}
			group.Done()
		}()
	}
	group.Wait()
	end()
	return times(late)
}

func sleepers100k() done {
	late := make([]float64, sleepers)
	first := time.Now().Add(500 * time.Millisecond)
	var group sync.WaitGroup
	group.Add(sleepers)
	begin()
	for i := 0; i < sleepers; i++ {
		go func() {
			deadline := first.Add(time.Duration(10*i) * time.Microsecond)
			time.Sleep(time.Until(deadline))
			late[i] = float64(time.Since(deadline))
			group.Done()
		}()
	}
	group.Wait()
	end()
	return times(late)
}

var timeCases = []benchCase{
	{name: "time/x_single_register_cancel", iterate: cancelOne, current: true},
	{name: "time/x_multi_register_cancel-8", iterate: cancelEight},
	{name: "time/x_sleepers_100", iterate: sleepers100},
	{name: "time/x_sleepers_100k", iterate: sleepers100k, once: true},
}

// ----------------------------------------------------------------------- net

func serve(conn net.Conn) {
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
}

// Go sets TCP_NODELAY by itself. Connecting is not timed.
func echo(connections, rounds, bytes int) done {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() {
		for i := 0; i < connections; i++ {
			conn, err := listener.Accept()
			must(err)
			go serve(conn)
		}
		must(listener.Close())
	}()
	connected, ended, start := newCountdown(connections), newCountdown(connections), make(chan struct{})
	for i := 0; i < connections; i++ {
		go func() {
			conn, err := net.Dial("tcp", listener.Addr().String())
			must(err)
			defer conn.Close()
			buffer := make([]byte, bytes)
			connected.one()
			<-start
			for j := 0; j < rounds; j++ {
				_, err = conn.Write(buffer)
				must(err)
				_, err = io.ReadFull(conn, buffer)
				must(err)
			}
			ended.one()
		}()
	}
	<-connected.done
	begin()
	close(start)
	<-ended.done
	end()
	return done{ops: connections * rounds}
}

var netCases = []benchCase{
	{name: "net/x_tcp_echo_1x64B", iterate: func() done { return echo(1, 1000, 64) }},
	{name: "net/x_tcp_echo_64x64B", iterate: func() done { return echo(64, 40, 64) }},
	{name: "net/x_tcp_echo_512x64B", iterate: func() done { return echo(512, 10, 64) }},
	{name: "net/x_tcp_echo_1x4KiB", iterate: func() done { return echo(1, 1000, 4096) }},
	{name: "net/x_tcp_echo_64x4KiB", iterate: func() done { return echo(64, 40, 4096) }},
	{name: "net/x_tcp_echo_512x4KiB", iterate: func() done { return echo(512, 10, 4096) }},
}

// -------------------------------------------------------------------- memory

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	must(err)
	var size, pages float64
	_, err = fmt.Sscan(string(text), &size, &pages)
	must(err)
	return pages * float64(os.Getpagesize())
}

// Each goroutine's stack is included.
func parked(n int) done {
	waiting, ended, gate := newCountdown(n), newCountdown(n), make(chan struct{})
	before := residentBytes()
	begin()
	for i := 0; i < n; i++ {
		go func() {
			waiting.one()
			<-gate
			ended.one()
		}()
	}
	<-waiting.done
	end()
	bytes := (residentBytes() - before) / float64(n)
	close(gate)
	<-ended.done
	return done{ops: n, ns: bytes}
}

// Ten million would take some 27 GB.
var memoryCases = []benchCase{
	{name: "memory/parked_1m", iterate: func() done { return parked(1000000) }, once: true},
}
