// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	spawns       = 10000
	spawnsFew    = 1000
	remoteSpawns = 12800
	yielders     = 200
	yields       = 1000
	pings        = 1000
	chainDepth   = 1000
	pairWakes    = 10000
)

// The main goroutine is a goroutine like any other.
func spawnManyLocal() done {
	c := newCountdown(spawns)
	for i := 0; i < spawns; i++ {
		go c.one()
	}
	<-c.done
	return done{ops: spawns}
}

func spawnFromWorker() done {
	c := newCountdown(spawns)
	go func() {
		for i := 0; i < spawns; i++ {
			go c.one()
		}
	}()
	<-c.done
	return done{ops: spawns}
}

// A WaitGroup is how goroutines are joined.
func spawnAndJoin(n int) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go group.Done()
	}
	group.Wait()
}

func spawnManyRemoteIdle() done {
	spawnAndJoin(spawns)
	return done{ops: spawns}
}

func spawnManyLocalFew() done {
	spawnAndJoin(spawnsFew)
	return done{ops: spawnsFew}
}

func spawnJoin() done {
	c := newCountdown(1)
	go func() {
		spawnAndJoin(spawnsFew)
		c.one()
	}()
	<-c.done
	return done{ops: spawnsFew}
}

func stall() {
	for start := time.Now(); time.Since(start) < 10*time.Microsecond; {
	}
}

func remoteBusy1() done {
	var stop atomic.Bool
	ended := newCountdown(2 * workers)
	for i := 0; i < 2*workers; i++ {
		go func() {
			for !stop.Load() {
				runtime.Gosched()
				stall()
			}
			ended.one()
		}()
	}
	begin()
	spawnAndJoin(spawnsFew)
	end()
	stop.Store(true)
	<-ended.done
	return done{ops: spawnsFew}
}

func stallingChain(stop *atomic.Bool, ended *countdown) {
	if stop.Load() {
		ended.one()
		return
	}
	stall()
	go stallingChain(stop, ended)
}

func remoteBusy2() done {
	var stop atomic.Bool
	ended := newCountdown(workers)
	for i := 0; i < workers; i++ {
		go stallingChain(&stop, ended)
	}
	begin()
	spawnAndJoin(spawnsFew)
	end()
	stop.Store(true)
	<-ended.done
	return done{ops: spawnsFew}
}

func endless(stop *atomic.Bool, ended *countdown) {
	if stop.Load() {
		ended.one()
		return
	}
	go endless(stop, ended)
}

func remoteBusyCurrent() done {
	var stop atomic.Bool
	ended := newCountdown(1)
	go endless(&stop, ended)
	begin()
	spawnAndJoin(spawnsFew)
	end()
	stop.Store(true)
	<-ended.done
	return done{ops: spawnsFew}
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

func wakePair() done {
	a, b := make(chan struct{}, 1), make(chan struct{}, 1)
	c := newCountdown(2)
	waking := func(mine, other chan struct{}) {
		for i := 0; i < pairWakes; i++ {
			other <- struct{}{}
			<-mine
		}
		c.one()
	}
	go waking(a, b)
	go waking(b, a)
	<-c.done
	return done{ops: 2 * pairWakes}
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

// Goroutines in place of threads: Go has no other way to spawn.
func spawnBy(n int) done {
	var group, tasks sync.WaitGroup
	tasks.Add(remoteSpawns)
	begin()
	for i := 0; i < n; i++ {
		group.Add(1)
		go func() {
			for j := 0; j < remoteSpawns/n; j++ {
				go tasks.Done()
			}
			group.Done()
		}()
	}
	group.Wait()
	tasks.Wait()
	end()
	return done{ops: remoteSpawns}
}

func spawnYielding(n int) done {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			runtime.Gosched()
			group.Done()
		}()
	}
	group.Wait()
	return done{ops: n}
}

var multiCases = []benchCase{
	{name: "rt_multi_threaded/spawn_many_local", iterate: spawnManyLocal},
	{name: "rt_multi_threaded/spawn_many_remote_idle", iterate: spawnManyRemoteIdle},
	{name: "rt_multi_threaded/spawn_many_remote_busy1", iterate: remoteBusy1},
	{name: "rt_multi_threaded/spawn_many_remote_busy2", iterate: remoteBusy2},
	{name: "rt_multi_threaded/yield_many", iterate: yieldMany},
	{name: "rt_multi_threaded/ping_pong", iterate: pingPong},
	{name: "rt_multi_threaded/chained_spawn", iterate: chainedSpawn},
	{name: "rt_multi_threaded/x_spawn_from_worker", iterate: spawnFromWorker},
	{name: "rt_multi_threaded/x_spawn_join", iterate: spawnJoin},
	{name: "remote_spawn/threads_1", iterate: func() done { return spawnBy(1) }},
	{name: "remote_spawn/threads_2", iterate: func() done { return spawnBy(2) }},
}

var spawnCases = []benchCase{
	{name: "rt_current_thread/spawn_many_local", iterate: spawnManyLocalFew, current: true},
	{name: "rt_current_thread/spawn_many_remote_idle", iterate: spawnManyLocalFew, current: true},
	{name: "rt_current_thread/spawn_many_remote_busy", iterate: remoteBusyCurrent, current: true},
	{name: "rt_current_thread/x_yield_many", iterate: yieldMany, current: true},
	{name: "rt_current_thread/x_wake_pair", iterate: wakePair, current: true},
	{name: "spawn/basic_scheduler_spawn", iterate: func() done { return spawnYielding(1) }, current: true},
	{name: "spawn/basic_scheduler_spawn10", iterate: func() done { return spawnYielding(10) }, current: true},
	{name: "spawn/threaded_scheduler_spawn", iterate: func() done { return spawnYielding(1) }},
	{name: "spawn/threaded_scheduler_spawn10", iterate: func() done { return spawnYielding(10) }},
}
