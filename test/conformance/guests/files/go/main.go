//go:build wasip1

// Package main uses files by the functions of Go's library, in the folders that the plugin was granted.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"convergio/pdk"
)

func said(tool func() (string, error)) int32 {
	text, err := tool()
	if err != nil {
		text = err.Error()
	}
	return pdk.Answer([]byte(text))
}

//go:wasmexport save
func save() int32 {
	return said(func() (string, error) {
		path, text, _ := strings.Cut(string(pdk.Input()), "\n")
		return "saved", os.WriteFile(path, []byte(text), 0o600)
	})
}

//go:wasmexport load
func load() int32 {
	return said(func() (string, error) {
		data, err := os.ReadFile(string(pdk.Input()))
		return string(data), err
	})
}

//go:wasmexport leave_open
func leaveOpen() int32 {
	return said(func() (string, error) {
		file, err := os.Create("/cache/open")
		if err != nil {
			return "", err
		}
		_, err = file.WriteString("left open")
		return "left", err
	})
}

//go:wasmexport trap
func trap() int32 {
	file, err := os.Create("/cache/trap")
	if err == nil {
		_, err = file.WriteString("new")
	}
	panic(err)
}

//go:wasmexport check
func check() int32 {
	return said(checked)
}

func checked() (string, error) {
	file, err := os.OpenFile("/cache/big", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	for line := range 20000 {
		if _, err := fmt.Fprintf(file, "line %d\n", line); err != nil {
			return "", err
		}
	}
	if _, err := file.Seek(-11, io.SeekEnd); err != nil {
		return "", err
	}
	if end, err := io.ReadAll(file); err != nil || string(end) != "line 19999\n" {
		return "end " + string(end), err
	}
	if err := file.Truncate(7); err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	if data, err := os.ReadFile("/cache/big"); err != nil || string(data) != "line 0\n" {
		return "big " + string(data), err
	}
	for _, line := range []string{"one\n", "two\n"} {
		log, err := os.OpenFile("/cache/log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return "", err
		}
		if _, err := log.WriteString(line); err != nil {
			return "", err
		}
		if err := log.Close(); err != nil {
			return "", err
		}
	}
	if data, err := os.ReadFile("/cache/log"); err != nil || string(data) != "one\ntwo\n" {
		return "log " + string(data), err
	}
	if _, err := os.OpenFile("/cache/log", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); !errors.Is(err, fs.ErrExist) {
		return "exclusive", err
	}
	if _, err := os.Stat("/cache/none"); !errors.Is(err, fs.ErrNotExist) {
		return "none", err
	}
	if _, err := os.Open("/cache/../../etc/passwd"); err == nil {
		return "out of the folder", nil
	}
	if err := os.MkdirAll("/cache/d/e", 0o700); err != nil {
		return "", err
	}
	if err := os.Rename("/cache/log", "/cache/d/e/moved"); err != nil {
		return "", err
	}
	walked := []string{}
	err = filepath.WalkDir("/cache/d", func(path string, _ fs.DirEntry, err error) error {
		walked = append(walked, path)
		return err
	})
	if err != nil || strings.Join(walked, " ") != "/cache/d /cache/d/e /cache/d/e/moved" {
		return strings.Join(walked, " "), err
	}
	return "ok", os.RemoveAll("/cache/d")
}

func main() {}
