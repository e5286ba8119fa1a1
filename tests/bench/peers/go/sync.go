// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
)

const (
	senders      = 5
	sends        = 1000
	requests     = 1000
	createRounds = 100
	permits      = 6
	rounds       = 1000
	lockers      = 8
	locks        = 1000
	lockYields   = 200
)

type (
	medium [64]uint64
	large  [4096]uint64
)

var sink any

func createMedium(capacity int) done {
	for i := 0; i < createRounds; i++ {
		sink = make(chan medium, capacity)
	}
	sink = nil
	return done{ops: createRounds}
}

// A channel of values of 32 KiB: Go's hold at most 64 KiB each.
func sendSized[T any]() done {
	var out T
	ch := make(chan T, 1000)
	ch <- out
	<-ch
	return done{ops: 1}
}

// Go allocates the whole buffer at once: as many slots as there are messages do the work of a million.
func contention(capacity int) done {
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

func uncontented() done {
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

// A channel with room for as many as there are permits is Go's semaphore.
func acquire(semaphore chan struct{}) {
	semaphore <- struct{}{}
	<-semaphore
}

func inTurn() done {
	semaphore := make(chan struct{}, 10)
	for i := 0; i < rounds*permits; i++ {
		acquire(semaphore)
	}
	return done{ops: rounds * permits}
}

func byTasks(n int) done {
	semaphore := make(chan struct{}, n)
	for i := 0; i < rounds; i++ {
		var group sync.WaitGroup
		group.Add(permits)
		for j := 0; j < permits; j++ {
			go func() {
				acquire(semaphore)
				group.Done()
			}()
		}
		group.Wait()
	}
	return done{ops: rounds * permits}
}

func lock(tasks, n int, hold bool) done {
	var mutex sync.Mutex
	var group sync.WaitGroup
	count := 0
	group.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			for j := 0; j < n; j++ {
				mutex.Lock()
				count++
				if hold {
					runtime.Gosched()
				}
				mutex.Unlock()
			}
			group.Done()
		}()
	}
	group.Wait()
	if count != tasks*n {
		panic("no mutual exclusion")
	}
	return done{ops: tasks * n}
}

var channelCases = []benchCase{
	{name: "sync_mpsc/create_medium_1", iterate: func() done { return createMedium(1) }},
	{name: "sync_mpsc/create_medium_100", iterate: func() done { return createMedium(100) }},
	{name: "sync_mpsc/send_medium_1000", iterate: sendSized[medium]},
	{name: "sync_mpsc/send_large_1000", iterate: sendSized[large]},
	{name: "sync_mpsc/contention_bounded", iterate: func() done { return contention(senders * sends) }},
	{name: "sync_mpsc/contention_bounded_full", iterate: func() done { return contention(100) }},
	{name: "sync_mpsc/uncontented_bounded", iterate: uncontented},
	{name: "sync_mpsc_oneshot/request_reply_current_thread", iterate: requestReply, current: true},
	{name: "sync_mpsc_oneshot/request_reply_multi_threaded", iterate: requestReply},
}

var syncCases = []benchCase{
	{name: "sync_semaphore/uncontended_multi", iterate: inTurn},
	{name: "sync_semaphore/uncontended_concurrent_multi", iterate: func() done { return byTasks(10) }},
	{name: "sync_semaphore/contention_concurrent_multi", iterate: func() done { return byTasks(5) }},
	{name: "sync_mutex/x_uncontended", iterate: func() done { return lock(1, lockers*locks, false) }},
	{name: "sync_mutex/x_contended8", iterate: func() done { return lock(lockers, locks, false) }},
	{name: "sync_mutex/x_contended8_hold_yield", iterate: func() done { return lock(lockers, lockYields, true) }},
}
