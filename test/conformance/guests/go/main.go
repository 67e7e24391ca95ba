//go:build wasip1

// Package main is the conformance guest in Go.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"convergio/pdk"
)

//go:wasmimport extism:host/user kv_set
func kvSet(request uint64) uint64

//go:wasmimport extism:host/user kv_get
func kvGet(request uint64) uint64

//go:wasmexport count_vowels
func countVowels() int32 {
	return pdk.Run(func() (any, error) {
		count := 0
		for _, character := range string(pdk.Input()) {
			if strings.ContainsRune("aeiouAEIOU", character) {
				count++
			}
		}
		return map[string]int{"count": count}, nil
	})
}

//go:wasmexport greet
func greet() int32 {
	return pdk.Run(func() (any, error) {
		name := string(pdk.Input())
		var done struct{ Set bool }
		if err := pdk.Call(kvSet, map[string]string{"key": name, "value": name}, &done); err != nil {
			return nil, err
		}
		var found struct{ Value *string }
		if err := pdk.Call(kvGet, map[string]string{"key": name}, &found); err != nil {
			return nil, err
		}
		if found.Value == nil {
			return nil, errors.New("nothing was kept")
		}
		return map[string]string{"greeting": "Hello " + *found.Value}, nil
	})
}

//go:wasmexport echo
func echo() int32 { return pdk.Answer(pdk.Input()) }

//go:wasmexport fail
func fail() int32 { return pdk.Fail(errors.New("no: " + string(pdk.Input()))) }

//go:wasmexport rc
func rc() int32 { return 7 }

//go:wasmexport config_get
func configGet() int32 {
	return pdk.Run(func() (any, error) {
		settings := map[string]*string{}
		for _, key := range []string{"greeting", "toString"} {
			settings[key] = nil
			if value, isSet := pdk.Config(key); isSet {
				settings[key] = &value
			}
		}
		return settings, nil
	})
}

//go:wasmexport vars
func vars() int32 {
	return pdk.Run(func() (any, error) {
		if string(pdk.Input()) == "forget" {
			pdk.RemoveVariable("count")
			if _, isSet := pdk.Variable("count"); isSet {
				return "kept", nil
			}
			return nil, nil
		}
		before, _ := pdk.Variable("count")
		count, _ := strconv.Atoi(before)
		pdk.SetVariable("count", strconv.Itoa(count+1))
		return count + 1, nil
	})
}

//go:wasmexport log
func log() int32 {
	pdk.Trace("trace ä 🦉")
	pdk.Debug("debug ä 🦉")
	pdk.Info("info ä 🦉")
	pdk.Warn("warn ä 🦉")
	pdk.Error("error ä 🦉")
	return pdk.Answer([]byte("logged"))
}

// Go has no instruction of its own that traps; an address that is none does.
var nowhere = uintptr(0xffff_fff0)

//go:wasmexport trap
func trap() int32 { return int32(*(*byte)(unsafe.Pointer(nowhere))) }

//go:wasmexport panic
func panicking() int32 {
	return pdk.Run(func() (any, error) { panic("that was too much") })
}

//go:wasmexport big
func big() int32 {
	data := pdk.Input()
	for at := range data {
		data[at]++
	}
	return pdk.Answer(data)
}

//go:wasmexport random_and_clock
func randomAndClock() int32 {
	return pdk.Run(func() (any, error) {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		start := time.Now()
		return map[string]any{
			"random":   hex.EncodeToString(random),
			"wallMs":   start.UnixMilli(),
			"passedNs": time.Since(start).Nanoseconds(),
		}, nil
	})
}

func main() {}
