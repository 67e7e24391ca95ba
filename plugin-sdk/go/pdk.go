//go:build wasip1

// Package pdk is the Go kit of a plugin: what the host hands in, and what a plugin hands back.
//
// A block is a piece of memory that belongs to the host; a guest knows it by a 64-bit handle and
// moves bytes in and out eight at a time. Handle 0 means "nothing".
package pdk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Run gives the return code of an export: it answers with what the tool returns, as JSON, or fails
// with its error. A panic becomes an error too, so that the caller learns what went wrong.
func Run(tool func() (any, error)) (code int32) {
	defer func() {
		if cause := recover(); cause != nil {
			code = Fail(fmt.Errorf("panic: %v", cause))
		}
	}()
	output, err := tool()
	if err != nil {
		return Fail(err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	// The text is no part of an HTML page; escaping "<" would only make it longer.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(output); err != nil {
		return Fail(err)
	}
	return Answer(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

// Input gives the bytes of the call's input, copied in.
func Input() []byte {
	data := make([]byte, inputLength())
	at := 0
	for ; at+8 <= len(data); at += 8 {
		binary.LittleEndian.PutUint64(data[at:], inputLoadU64(uint64(at)))
	}
	for ; at < len(data); at++ {
		data[at] = byte(inputLoadU8(uint64(at)))
	}
	return data
}

// InputJSON reads the call's input into a value.
func InputJSON(value any) error {
	return json.Unmarshal(Input(), value)
}

// Answer sets the call's output; the last one set counts. Write `return pdk.Answer(…)`.
func Answer(data []byte) int32 {
	outputSet(store(data), uint64(len(data)))
	return 0
}

// Fail ends the call with an error whose text the caller sees. Write `return pdk.Fail(…)`.
func Fail(err error) int32 {
	errorSet(store([]byte(err.Error())))
	return 1
}

// Config gives one property of the plugin's configuration, and whether it is set.
func Config(key string) (string, bool) {
	return optional(configGet(store([]byte(key))))
}

// Variable gives a variable of this instance, and whether it is set.
func Variable(key string) (string, bool) {
	return optional(varGet(store([]byte(key))))
}

// SetVariable sets a variable of this instance; it lives as long as the instance does.
func SetVariable(key, value string) {
	varSet(store([]byte(key)), store([]byte(value)))
}

// RemoveVariable removes a variable of this instance; it is no error that there is none.
func RemoveVariable(key string) {
	varSet(store([]byte(key)), 0)
}

// Trace writes a line to the plugin's log.
func Trace(text string) { logTrace(store([]byte(text))) }

// Debug writes a line to the plugin's log.
func Debug(text string) { logDebug(store([]byte(text))) }

// Info writes a line to the plugin's log.
func Info(text string) { logInfo(store([]byte(text))) }

// Warn writes a line to the plugin's log.
func Warn(text string) { logWarn(store([]byte(text))) }

// Error writes a line to the plugin's log.
func Error(text string) { logError(store([]byte(text))) }

// Refusal is what a host function answers when it refuses or fails.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (refusal *Refusal) Error() string {
	return refusal.Code + ": " + refusal.Message
}

// Call asks a host function: a request goes out as JSON, the `ok` of the answer is read into a
// value. Each host function is declared by the plugin that needs it:
//
//	//go:wasmimport extism:host/user kv_get
//	func kvGet(request uint64) uint64
//
//	var found struct{ Value *string }
//	err := pdk.Call(kvGet, map[string]string{"key": "k"}, &found)
//
// The error is a *Refusal when the host refused.
func Call(function func(uint64) uint64, request, ok any) error {
	_, err := Exchange(function, request, ok)
	return err
}

// Exchange is Call for functions that move many bytes: those that are sent go beside the request, and
// those that came beside the answer are given back, both in their order.
func Exchange(function func(uint64) uint64, request, ok any, sent ...[]byte) ([][]byte, error) {
	text, handles, err := written(request, sent)
	if err != nil {
		return nil, err
	}
	block := store(text)
	response := function(block)
	blockFree(block)
	for _, handle := range handles {
		blockFree(handle)
	}
	var answer struct {
		Blocks []string
		OK     json.RawMessage `json:"ok"`
		Error  *Refusal        `json:"error"`
	}
	if err := json.Unmarshal(take(response), &answer); err != nil {
		return nil, err
	}
	var blocks [][]byte
	for _, text := range answer.Blocks {
		handle, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, take(handle))
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	if answer.OK == nil {
		return nil, errors.New("the host gave no answer")
	}
	return blocks, json.Unmarshal(answer.OK, ok)
}

// written gives a request as JSON, with the handles of what is sent beside it in `blocks`.
func written(request any, sent [][]byte) ([]byte, []uint64, error) {
	text, err := json.Marshal(request)
	if err != nil || len(sent) == 0 {
		return text, nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, nil, err
	}
	var handles []uint64
	var names []string
	for _, data := range sent {
		handle := store(data)
		handles = append(handles, handle)
		names = append(names, strconv.FormatUint(handle, 10))
	}
	if members["blocks"], err = json.Marshal(names); err != nil {
		return nil, nil, err
	}
	text, err = json.Marshal(members)
	return text, handles, err
}

func optional(block uint64) (string, bool) {
	if block == 0 {
		return "", false
	}
	return string(take(block)), true
}

// A block given to a built-in function belongs to the host from then on, which frees it.
func store(data []byte) uint64 {
	block := blockAlloc(uint64(len(data)))
	if block == 0 && len(data) > 0 {
		panic("the host has no memory for a block")
	}
	at := 0
	for ; at+8 <= len(data); at += 8 {
		blockStoreU64(block+uint64(at), binary.LittleEndian.Uint64(data[at:]))
	}
	for ; at < len(data); at++ {
		blockStoreU8(block+uint64(at), uint32(data[at]))
	}
	return block
}

func take(block uint64) []byte {
	data := make([]byte, blockLength(block))
	at := 0
	for ; at+8 <= len(data); at += 8 {
		binary.LittleEndian.PutUint64(data[at:], blockLoadU64(block+uint64(at)))
	}
	for ; at < len(data); at++ {
		data[at] = byte(blockLoadU8(block + uint64(at)))
	}
	blockFree(block)
	return data
}
