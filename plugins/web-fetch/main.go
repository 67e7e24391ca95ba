//go:build wasip1

// Package main is the plugin web-fetch: the text of web pages, and a cache of them in files.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"convergio/pdk"
)

const (
	keepSecondsDefault = 86_400
	textMaxDefault     = 100_000
)

// Page is what both tools answer, and what the cache keeps.
type Page struct {
	URL       string `json:"url"`
	Title     string `json:"title"`
	Text      string `json:"text"`
	Truncated bool   `json:"truncated"`
	FetchedAt string `json:"fetchedAt"`
	FromCache bool   `json:"fromCache"`
}

//go:wasmexport page
func page() int32 {
	return pdk.Run(func() (any, error) {
		asked := struct {
			Title, Project, Language string
			Fresh                    bool
		}{Project: "wikipedia", Language: "en"}
		if err := pdk.InputJSON(&asked); err != nil {
			return nil, err
		}
		address := fmt.Sprintf(
			"https://api.wikimedia.org/core/v1/%s/%s/page/%s/html",
			asked.Project, asked.Language, url.PathEscape(asked.Title),
		)
		return get(address, asked.Fresh)
	})
}

//go:wasmexport fetch
func fetch() int32 {
	return pdk.Run(func() (any, error) {
		var asked struct {
			URL   string
			Fresh bool
		}
		if err := pdk.InputJSON(&asked); err != nil {
			return nil, err
		}
		return get(asked.URL, asked.Fresh)
	})
}

// get gives a page from the cache, or fetches and keeps it.
func get(address string, fresh bool) (Page, error) {
	keep := time.Duration(number("keepSeconds", keepSecondsDefault)) * time.Second
	if !fresh {
		if kept, ok := cached(address, keep); ok {
			return kept, nil
		}
	}
	answer, err := request(address)
	if err != nil {
		return Page{}, err
	}
	title, text := answer.read()
	text, truncated := cut(text, number("textMax", textMaxDefault))
	found := Page{
		URL:       answer.URL,
		Title:     title,
		Text:      text,
		Truncated: truncated,
		FetchedAt: time.Now().UTC().Format(time.RFC3339),
	}
	store(address, found)
	return found, nil
}

// number gives a whole number of the configuration.
func number(key string, otherwise int) int {
	text, ok := pdk.Config(key)
	value, err := strconv.Atoi(text)
	if !ok || err != nil {
		return otherwise
	}
	return value
}

// cut gives at most so many characters, never half of one.
func cut(text string, charactersMax int) (string, bool) {
	count := 0
	for at := range text {
		if count == charactersMax {
			return text[:at], true
		}
		count++
	}
	return text, false
}

func decode(data []byte, value any) bool { return json.Unmarshal(data, value) == nil }

func main() {}
