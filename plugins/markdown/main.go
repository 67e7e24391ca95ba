//go:build wasip1

// Package main is the plugin markdown: CommonMark with the extensions of GitHub, as HTML.
package main

import (
	"bytes"
	"runtime"
	"runtime/debug"

	"convergio/pdk"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// A long page makes a tree of many times its size, and linear memory never shrinks: so the collector
// starts early, and before each long page (a millisecond is nothing beside it).
const (
	garbagePercentMax = 30
	longPageBytes     = 64 * 1024
)

func init() { debug.SetGCPercent(garbagePercentMax) }

type request struct {
	Markdown string `json:"markdown"`
	// UnsafeHTML lets raw HTML and links such as `javascript:` through.
	UnsafeHTML bool `json:"unsafeHtml"`
}

type page struct {
	HTML string `json:"html"`
}

var safe = goldmark.New(goldmark.WithExtensions(extension.GFM))

var unsafe = goldmark.New(
	goldmark.WithExtensions(extension.GFM),
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

//go:wasmexport render
func render() int32 {
	return pdk.Run(func() (any, error) {
		var asked request
		if err := pdk.InputJSON(&asked); err != nil {
			return nil, err
		}
		if len(asked.Markdown) > longPageBytes {
			runtime.GC()
		}
		converter := safe
		if asked.UnsafeHTML {
			converter = unsafe
		}
		var out bytes.Buffer
		if err := converter.Convert([]byte(asked.Markdown), &out); err != nil {
			return nil, err
		}
		return page{HTML: out.String()}, nil
	})
}

func main() {}
