//go:build wasip1

package main

import (
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// What a reader does not read.
var skipped = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Svg: true,
	atom.Nav: true, atom.Iframe: true, atom.Object: true, atom.Head: true,
}

// What stands on lines of its own.
var blocks = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Section: true, atom.Article: true, atom.Main: true,
	atom.Header: true, atom.Footer: true, atom.Aside: true, atom.Blockquote: true, atom.Pre: true,
	atom.Ul: true, atom.Ol: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Table: true,
	atom.Tr: true, atom.Li: true, atom.Br: true, atom.Hr: true, atom.Figure: true,
	atom.Figcaption: true, atom.Caption: true, atom.H1: true, atom.H2: true, atom.H3: true,
	atom.H4: true, atom.H5: true, atom.H6: true, atom.Form: true, atom.Fieldset: true,
}

var headings = map[atom.Atom]string{
	atom.H1: "# ", atom.H2: "## ", atom.H3: "### ", atom.H4: "#### ", atom.H5: "##### ", atom.H6: "###### ",
}

// writer puts words on lines: white space is one space, and no two empty lines follow each other.
type writer struct {
	out          strings.Builder
	space, fresh bool
	breaks       int
}

func (to *writer) line(empty int) {
	if to.out.Len() > 0 {
		to.breaks = max(to.breaks, empty)
	}
	to.space = false
}

func (to *writer) mark(text string) {
	to.flush()
	to.out.WriteString(text)
}

func (to *writer) words(text string) {
	for _, word := range splitKeeping(text) {
		if word == " " {
			to.space = true
			continue
		}
		to.flush()
		to.out.WriteString(word)
	}
}

func (to *writer) flush() {
	if to.breaks > 0 {
		to.out.WriteString(strings.Repeat("\n", to.breaks))
		to.fresh = true
	} else if to.space && to.out.Len() > 0 && !to.fresh {
		to.out.WriteByte(' ')
	}
	to.breaks, to.space, to.fresh = 0, false, false
}

// splitKeeping gives words, with one space where there was white space.
func splitKeeping(text string) []string {
	var parts []string
	word := -1
	for at, letter := range text {
		if strings.ContainsRune(" \t\r\n\f\u00a0", letter) {
			if word >= 0 {
				parts = append(parts, text[word:at])
				word = -1
			}
			if len(parts) == 0 || parts[len(parts)-1] != " " {
				parts = append(parts, " ")
			}
		} else if word < 0 {
			word = at
		}
	}
	if word >= 0 {
		parts = append(parts, text[word:])
	}
	return parts
}

// readable gives the title and the text of a page in HTML, whatever is wrong with it.
func readable(source io.Reader) (title, text string) {
	root, err := html.Parse(source)
	if err != nil {
		return "", ""
	}
	to := &writer{}
	walk(root, to, 0, &title)
	return title, strings.TrimSpace(to.out.String())
}

// Deeper elements than any page of people has are left out: a tree of a million elements in each
// other is an attack.
const depthMax = 512

func walk(node *html.Node, to *writer, depth int, title *string) {
	if depth > depthMax {
		return
	}
	switch {
	case node.Type == html.TextNode:
		to.words(node.Data)
		return
	case node.DataAtom == atom.Head:
		*title = titleOf(node)
		return
	case node.Type == html.ElementNode && (skipped[node.DataAtom] || isHidden(node)):
		return
	}
	begin(node, to)
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		walk(child, to, depth+1, title)
	}
	if blocks[node.DataAtom] {
		to.line(lines(node))
	}
}

func begin(node *html.Node, to *writer) {
	if !blocks[node.DataAtom] {
		if node.DataAtom == atom.Td || node.DataAtom == atom.Th {
			if previous(node) {
				to.mark("\t")
			}
		}
		return
	}
	to.line(lines(node))
	if mark, ok := headings[node.DataAtom]; ok {
		to.mark(mark)
		to.fresh = true
	} else if node.DataAtom == atom.Li {
		to.mark("- ")
		to.fresh = true
	}
}

// lines says how many line ends stand around a block.
func lines(node *html.Node) int {
	switch node.DataAtom {
	case atom.Li, atom.Tr, atom.Br, atom.Dt, atom.Dd, atom.Div:
		return 1
	}
	return 2
}

func previous(node *html.Node) bool {
	for before := node.PrevSibling; before != nil; before = before.PrevSibling {
		if before.Type == html.ElementNode {
			return true
		}
	}
	return false
}

func titleOf(head *html.Node) string {
	for child := head.FirstChild; child != nil; child = child.NextSibling {
		if child.DataAtom == atom.Title && child.FirstChild != nil {
			return strings.Join(strings.Fields(child.FirstChild.Data), " ")
		}
	}
	return ""
}

// isHidden is true for what browsers do not show, and for the numbers of footnotes.
func isHidden(node *html.Node) bool {
	for _, attribute := range node.Attr {
		switch attribute.Key {
		case "hidden":
			return true
		case "aria-hidden":
			if attribute.Val == "true" {
				return true
			}
		case "style":
			if strings.Contains(strings.ReplaceAll(attribute.Val, " ", ""), "display:none") {
				return true
			}
		case "class":
			if node.DataAtom == atom.Sup && strings.Contains(attribute.Val, "reference") {
				return true
			}
		}
	}
	return false
}
