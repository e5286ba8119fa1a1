# SPDX-License-Identifier: MIT
"""The benchmark's rows: what each does, and on which runtime. The programs have them by the same names.

A group that has the name of a file in Tokio's benches/ has its rows, with the work and sizes they have there;
those that begin with x_ are not Tokio's. Left out, because rouse has no such thing: recv_many, watch, broadcast,
rwlock, copy, fs, signal.
"""

import dataclasses

CURRENT, ONE, WORKERS, SERVERS = "current", "one", "workers", "servers"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    what: str  # one operation is one of
    where: str = WORKERS
    pinned: bool = True  # also with all threads on one CPU
    figure: str = "time"  # what the first figure is, if not time: "late", "bytes" or "rate"
    rounds: int = 0  # at most so many samples, each of a process of its own; 0: as many as there are rounds
    without: tuple = ()  # variants that are left out, if so

    @property
    def group(self):
        return self.name.split("/")[0]

    @property
    def short(self):
        return self.name.split("/")[1]


GROUPS = {
    "rt_multi_threaded": "rouse's block_on runs its body as a worker, so its spawn_many_local is as x_spawn_from_worker; "
                         "Tokio's runs it on a thread that is none.",
    "remote_spawn": "Threads that are no workers spawn (in Go, goroutines do). The joins are timed, too.",
    "rt_current_thread": "A runtime without threads of its own: rouse's `.current_thread`, Tokio's `new_current_thread`, "
                         "GOMAXPROCS=1.",
    "spawn": "",
    "spawn_blocking": "Go has no blocking pool.",
    "sync_mpsc": "Go's channels have their whole buffer from the start, so there contention_bounded and "
                 "uncontented_bounded have room for 5 000.",
    "sync_mpsc_oneshot": "",
    "sync_notify": "A thread that is no worker spins, so there are no rows on one CPU: they would show its time slices.",
    "sync_semaphore": "Go's semaphore is a channel.",
    "sync_mutex": "",
    "time": "",
    "net": "Servers and clients are tasks of one process.",
    "memory": "The first figure is bytes, with the frame of each task: 200 of rouse's here. Each sample is a process of its own.",
    "redis": "Debian's redis-benchmark, 50 connections, against runtime/examples/mini_redis, Debian's redis-server (one "
             "thread) and a twin of mini_redis on Tokio, which know no more than the client asks for.",
}

_NOTIFY = "{} tasks await a notify and count, while a thread calls {} until there are 500, 20 times"
_ECHO = "TCP round trips of {} on {}, each {} times"

CASES = [
    Case("rt_multi_threaded/spawn_many_local", "block_on spawns 10 000 tasks, run to their end"),
    Case("rt_multi_threaded/spawn_many_remote_idle", "10 000 tasks spawned by a thread that is no worker, then joined"),
    Case("rt_multi_threaded/spawn_many_remote_busy1",
         "the same with 1 000, while 2 tasks a worker yield and compute for 10 us, again and again"),
    Case("rt_multi_threaded/spawn_many_remote_busy2",
         "the same with 1 000, while 1 task a worker computes for 10 us and spawns the next such"),
    Case("rt_multi_threaded/yield_many", "200 tasks yield 1 000 times each"),
    Case("rt_multi_threaded/ping_pong", "1 000 tasks: two oneshots, a partner, one message each way"),
    Case("rt_multi_threaded/chained_spawn", "a task spawns the next, 1 000 deep"),
    Case("rt_multi_threaded/x_spawn_from_worker", "a task spawns 10 000 tasks, run to their end"),
    Case("rt_multi_threaded/x_spawn_join", "a task spawns 1 000 tasks and joins them in order"),
    Case("remote_spawn/threads_1", "12 800 tasks spawned by 1 thread, then joined"),
    Case("remote_spawn/threads_2", "12 800 tasks spawned by 2 threads at once, then joined"),
    Case("rt_current_thread/spawn_many_local", "block_on spawns 1 000 tasks and joins them", CURRENT),
    Case("rt_current_thread/spawn_many_remote_idle", "1 000 tasks spawned outside, then joined by block_on", CURRENT),
    Case("rt_current_thread/spawn_many_remote_busy",
         "the same, while a task spawns itself again without end", CURRENT),
    Case("rt_current_thread/x_yield_many", "200 tasks yield 1 000 times each", CURRENT),
    Case("rt_current_thread/x_wake_pair", "two tasks wake each other by notify, 10 000 times each", CURRENT),
    Case("spawn/basic_scheduler_spawn", "block_on spawns a task that yields once, and joins it", CURRENT),
    Case("spawn/basic_scheduler_spawn10", "the same with 10", CURRENT),
    Case("spawn/threaded_scheduler_spawn", "the same with 1, on a runtime with one worker", ONE),
    Case("spawn/threaded_scheduler_spawn10", "the same with 10", ONE),
    Case("spawn_blocking/concurrency_1", "a task awaits 16 empty blocking jobs, 100 times"),
    Case("spawn_blocking/concurrency_4", "4 tasks do"),
    Case("sync_mpsc/create_medium_1", "a channel for 1 message of 512 bytes, made and dropped"),
    Case("sync_mpsc/create_medium_100", "the same for 100"),
    Case("sync_mpsc/create_medium_100000", "the same for 100 000 (left out in Go: 51 MB each)"),
    Case("sync_mpsc/send_medium_1000", "a channel for 1 000, block_on a send of 512 bytes, block_on its receive"),
    Case("sync_mpsc/send_large_1000", "the same with 32 KiB"),
    Case("sync_mpsc/contention_bounded", "5 tasks x 1 000 sends to one receiver, room for 1 000 000"),
    Case("sync_mpsc/contention_bounded_full", "the same, room for 100"),
    Case("sync_mpsc/contention_unbounded", "the same, unbounded"),
    Case("sync_mpsc/uncontented_bounded", "5 000 sends, then 5 000 receives, by one task, room for 1 000 000"),
    Case("sync_mpsc/uncontented_unbounded", "the same, unbounded"),
    Case("sync_mpsc_oneshot/request_reply_current_thread", "a request over a channel of 10, answered by a oneshot",
         CURRENT),
    Case("sync_mpsc_oneshot/request_reply_multi_threaded", "the same on a runtime with one worker", ONE),
    *[Case(f"sync_notify/{call}_{n}", _NOTIFY.format(n, call), pinned=False)
      for call in ("notify_one", "notify_waiters") for n in (10, 50, 100, 200, 500)],
    Case("sync_semaphore/uncontended_multi", "10 permits: block_on acquires and releases 6 times in turn"),
    Case("sync_semaphore/uncontended_concurrent_multi", "10 permits: block_on spawns and joins 6 tasks, each once"),
    Case("sync_semaphore/uncontended_concurrent_single", "10 permits: block_on joins 6 futures, each once", CURRENT),
    Case("sync_semaphore/contention_concurrent_multi", "as by tasks before, with 5 permits"),
    Case("sync_semaphore/contention_concurrent_single", "as by futures before, with 5 permits", CURRENT),
    Case("sync_mutex/x_uncontended", "a task locks and unlocks 8 000 times"),
    Case("sync_mutex/x_contended8", "8 tasks lock and unlock 1 000 times each"),
    Case("sync_mutex/x_contended8_hold_yield", "8 tasks lock, yield and unlock 200 times each"),
    Case("time/now_current_thread", "block_on asks for the time", CURRENT),
    Case("time/single_thread_timeout", "a timeout of 1 s around what is ready at once, awaited", CURRENT),
    Case("time/multi_thread_timeout-8", "the same, 1 000 times by each of 8 tasks"),
    Case("time/single_thread_sleep", "a sleep of 1 s, made and dropped before its first poll", CURRENT),
    Case("time/multi_thread_sleep-8", "the same, 1 000 times by each of 8 tasks"),
    Case("time/x_single_register_cancel", "a sleep of 1 s, polled once and dropped", CURRENT),
    Case("time/x_multi_register_cancel-8", "the same, 1 000 times by each of 8 tasks"),
    Case("time/x_sleepers_100", "100 tasks sleep 1 to 2 ms, 10 times: how late, and CPU for each", figure="late"),
    Case("time/x_sleepers_100k", "100 000 tasks sleep, one due every 10 us: how late, and CPU for each", pinned=False,
         figure="late"),
    *[Case(f"net/x_tcp_echo_{connections}x{size}", _ECHO.format(size, f"{connections} connections", rounds))
      for size in ("64B", "4KiB") for connections, rounds in ((1, 1000), (64, 40), (512, 10))],
    Case("memory/parked_1m", "1 000 000 tasks wait for a semaphore: resident bytes for each, all in",
         pinned=False, figure="bytes", rounds=3, without=("rouse L0", "rouse L2")),
    Case("memory/parked_10m", "10 000 000 tasks do (left out in Go: some 27 GB; and watched: a look takes too long)",
         pinned=False, figure="bytes", rounds=1, without=("rouse L0", "rouse L2", "watched")),
    Case("redis/ping", "a request", SERVERS, figure="rate"),
    Case("redis/set", "a request", SERVERS, figure="rate"),
    Case("redis/get", "a request", SERVERS, figure="rate"),
    Case("redis/incr", "a request", SERVERS, figure="rate"),
    Case("redis/get_pipelined", "a request, 16 in a row", SERVERS, figure="rate"),
]
BY_NAME = {case.name: case for case in CASES}
