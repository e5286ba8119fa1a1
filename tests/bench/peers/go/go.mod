module rouse/bench/go

go 1.22
