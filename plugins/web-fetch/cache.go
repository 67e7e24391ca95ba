//go:build wasip1

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sort"
	"syscall"
	"time"

	"convergio/pdk"
)

// The folder that the operator granted for the purpose "cache": ordinary files of Go.
const folder = "/cache/"

// How many pages go when the folder is full.
const evicted = 16

// cached gives a page that was kept, unless it is too old, about another address, or unreadable.
func cached(address string, keep time.Duration) (Page, bool) {
	data, err := os.ReadFile(fileOf(address))
	if err != nil {
		return Page{}, false
	}
	var kept struct {
		For  string
		Page Page
	}
	if !decode(data, &kept) || kept.For != address {
		return Page{}, false
	}
	at, err := time.Parse(time.RFC3339, kept.Page.FetchedAt)
	if err != nil || time.Since(at) > keep {
		return Page{}, false
	}
	kept.Page.FromCache = true
	return kept.Page, true
}

// store keeps a page. Without the folder, or without room in it, pages are simply fetched each time.
func store(address string, page Page) {
	data, err := json.Marshal(map[string]any{"For": address, "Page": page})
	if err != nil {
		return
	}
	err = os.WriteFile(fileOf(address), data, 0o600)
	if isFull(err) {
		evict()
		err = os.WriteFile(fileOf(address), data, 0o600)
	}
	if err != nil {
		pdk.Info("the page was not kept: " + err.Error())
	}
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// evict removes the pages that were fetched first.
func evict() {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var files []aged
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, aged{entry.Name(), info.ModTime()})
		}
	}
	sort.Slice(files, func(a, b int) bool { return files[a].at.Before(files[b].at) })
	for _, file := range files[:min(evicted, len(files))] {
		if err := os.Remove(folder + file.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}

func fileOf(address string) string {
	digest := sha256.Sum256([]byte(address))
	return folder + hex.EncodeToString(digest[:]) + ".json"
}
