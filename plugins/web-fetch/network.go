//go:build wasip1

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"convergio/pdk"
)

//go:wasmimport extism:host/user network_fetch
func networkFetch(request uint64) uint64

// answer is a page as it came.
type answer struct {
	URL  string
	kind string
	body []byte
}

// request fetches one page; the host checks the grant, resolves, follows redirects and decodes.
func request(address string) (answer, error) {
	asked := map[string]any{
		"requests": []any{map[string]any{
			"url":     address,
			"headers": map[string]string{"accept": "text/html, text/plain, application/json;q=0.9"},
		}},
	}
	var answered struct {
		Responses []struct {
			Status  int
			URL     string
			Headers map[string]string
			Body    *string
			Block   *int
			Error   *pdk.Refusal
		}
	}
	blocks, err := pdk.Exchange(networkFetch, asked, &answered)
	if err != nil {
		return answer{}, err
	}
	if len(answered.Responses) != 1 {
		return answer{}, errors.New("the host gave no response")
	}
	response := answered.Responses[0]
	switch {
	case response.Error != nil:
		return answer{}, response.Error
	case response.Status != 200:
		return answer{}, fmt.Errorf("%s answered %d", address, response.Status)
	}
	found := answer{URL: response.URL, kind: response.Headers["content-type"]}
	if response.Body != nil {
		found.body = []byte(*response.Body)
	} else if response.Block != nil && *response.Block < len(blocks) {
		found.body = blocks[*response.Block]
	}
	return found, nil
}

// read gives the title, if there is one, and the text.
func (from answer) read() (title, text string) {
	if strings.Contains(from.kind, "html") {
		return readable(bytes.NewReader(from.body))
	}
	if !utf8.Valid(from.body) {
		return "", strings.ToValidUTF8(string(from.body), "\uFFFD")
	}
	return "", string(from.body)
}
