// Reads a history of registers as JSON lines and says how long Porcupine takes to check it, a line each round: seconds
// and what it found. Usage: porcupine HISTORY ROUNDS LIMIT (such as 20s). Values are numbers or null.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

type line struct {
	Process int             `json:"process"`
	Type    string          `json:"type"`
	F       string          `json:"f"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	TimeS   float64         `json:"time_s"`
}

type input struct {
	f        string
	key      string
	old, new int
}

type output struct {
	value   int
	swapped bool
	known   bool
}

const nothing = math.MinInt

func number(raw json.RawMessage) int {
	if string(raw) == "null" {
		return nothing
	}
	value, err := strconv.Atoi(string(raw))
	if err != nil {
		panic(err)
	}
	return value
}

func asked(l line) input {
	in := input{f: l.F, key: l.Key}
	if l.F == "write" {
		in.new = number(l.Value)
	} else if l.F == "cas" {
		var pair []json.RawMessage
		if err := json.Unmarshal(l.Value, &pair); err != nil {
			panic(err)
		}
		in.old, in.new = number(pair[0]), number(pair[1])
	}
	return in
}

func history(path string) []porcupine.Operation {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	open := map[int]line{}
	var operations []porcupine.Operation
	add := func(begin line, returned int64, out output) {
		operations = append(operations, porcupine.Operation{
			ClientId: begin.Process, Input: asked(begin), Call: int64(begin.TimeS * 1e9), Output: out, Return: returned,
		})
	}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			panic(err)
		}
		if l.Type == "invoke" {
			open[l.Process] = l
			continue
		}
		begin := open[l.Process]
		if l.Type == "info" {
			if l.F != "read" {
				add(begin, math.MaxInt64, output{})
			}
			continue
		}
		out := output{known: true, swapped: l.Type == "ok"}
		if l.F == "read" {
			out.value = number(l.Value)
		}
		add(begin, int64(l.TimeS*1e9), out)
	}
	return operations
}

var register = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, operation := range all {
			key := operation.Input.(input).key
			byKey[key] = append(byKey[key], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} { return nothing },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		held, asked, said := state.(int), in.(input), out.(output)
		switch asked.f {
		case "write":
			return true, asked.new
		case "read":
			return said.value == held, held
		}
		matches := held == asked.old
		if said.known && matches != said.swapped {
			return false, held
		}
		if matches {
			return true, asked.new
		}
		return true, held
	},
}

func main() {
	operations := history(os.Args[1])
	rounds, _ := strconv.Atoi(os.Args[2])
	limit, _ := time.ParseDuration(os.Args[3])
	for round := 0; round < rounds; round++ {
		began := time.Now()
		found := porcupine.CheckOperationsTimeout(register, operations, limit)
		fmt.Printf("%.6f %s\n", time.Since(began).Seconds(), found)
		if found == porcupine.Unknown {
			break
		}
	}
}
