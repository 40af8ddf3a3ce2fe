package main

var list = []mutant{
	{
		bug: "a permit not returned", planted: "`giveBack` keeps the permit of a call that has ended",
		file: "remoting/limit.go", pkg: "./remoting", tests: "^TestLimits$",
		edits: []edit{{"	count, bytes := l.gates(call)\n	if count != nil {\n		count.give(1)\n	}\n", "	_, bytes := l.gates(call)\n"}},
	},
	{
		bug: "a buffer returned early", planted: "`readLoop` gives its buffer back before it has handled what is in it",
		file: "remoting/conn.go", pkg: "./remoting", tests: "^(TestInvoke|TestManyInFlight|TestR13_SlowReaderChecksums)$",
		edits: []edit{{"			used, bad = c.take(buf[r:w])\n", "			putBuffer(buf)\n			used, bad = c.take(buf[r:w])\n"}},
	},
	{
		bug: "an opaque not removed", planted: "`takeReply` leaves the call in the table, so that a second answer finds it",
		file: "remoting/call.go", pkg: "./remoting", tests: "^TestR12_DuplicateAnswer$",
		edits: []edit{{"		return nil\n	}\n	return t.take(opaque)\n", "		return nil\n	}\n	return c\n"}},
	},
	{
		bug: "a retry that ignores the deadline", planted: "an attempt after the first gets its time anew and asks no clock whether the send's is up",
		file: "producer/send.go", pkg: "./producer", tests: "^(TestSendTimeout|TestRetriesOption|TestAsyncRetry|TestR04_|TestDeadline)",
		edits: []edit{
			{" || remoting.Nanotime() >= s.deadline || s.out.p.State() != Running", " || s.out.p.State() != Running"},
			{"	if s.late && remoting.Nanotime() >= s.deadline {\n		return ErrCallTimeout\n	}\n", ""},
			{"	return min(s.deadline, remoting.Nanotime()+int64(most))\n", "	return remoting.Nanotime() + int64(most)\n"},
		},
	},
	{
		bug: "an off-by-one at the frame cap", planted: "`frameSize` refuses a frame of exactly the largest size",
		file: "remoting/frame.go", pkg: "./remoting", tests: "^TestR36_FrameCapAtTheByte$",
		edits: []edit{{"total+lengthBytes > int64(limit)", "total+lengthBytes >= int64(limit)"}},
	},
	{
		bug: "a swallowed decode error", planted: "`take` passes over a frame that it can't read and goes on",
		file: "remoting/conn.go", pkg: "./remoting", tests: "^(TestR11_|TestR10_|TestR09_)",
		edits: []edit{{"		head, body, err := ParseFrame(b[used : used+n])\n		if err != nil {\n			bad = err\n			break\n		}\n",
			"		head, body, err := ParseFrame(b[used : used+n])\n		if err != nil {\n			used += n\n			continue\n		}\n"}},
	},
	{
		bug: "a lost interval at swap", planted: "`take` swaps a shard's tallies and drops those of the interval that is over",
		file: "bench/recorder.go", pkg: "./bench", tests: "^(TestRecorderLosesNothing|TestIntervalsSumToTheTotals)$",
		edits: []edit{{"			sh.stages, stages = stages, sh.stages\n", "			sh.stages = stages\n"}},
	},
	{
		bug: "a percentile from the wrong histogram", planted: "the response's percentiles are taken from the service's histogram",
		file: "bench/whole.go", pkg: "./bench", tests: "^(TestR02_R58_StallIsSeen|TestIntervalsSumToTheTotals)$",
		edits: []edit{{"results.Times{Response: t.response, Service: t.service,", "results.Times{Response: t.service, Service: t.service,"}},
	},
	{
		bug: "a secret in an error", planted: "an error about a file of credentials quotes the line",
		file: "remoting/acl.go", pkg: "./remoting", tests: "^TestLoadCredentials$",
		edits: []edit{{`fmt.Errorf("credentials %s:%d: %w", file, n, err)`, `fmt.Errorf("credentials %s:%d: %w in %q", file, n, err, line)`}},
	},
	{
		bug: "a double callback", planted: "an async send's end calls back twice",
		file: "producer/send.go", pkg: "./producer", tests: "^TestR05_R51_CallbacksExactlyOnce$",
		edits: []edit{{"	callback(res, err)\n}\n", "	callback(res, err)\n	callback(res, err)\n}\n"}},
	},
}
