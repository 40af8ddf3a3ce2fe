package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on a file. goccy/go-yaml has none, and its cost is not linear: 16,000 blank lines after a block text of 1 MiB kept
// its lexer busy for over a minute, a mapping of 8,000 keys cost its parser 270 MiB. So the text is bounded before the
// lexer sees it, and the tokens before the parser does. There is room for a hundred cases.
const (
	maxFile    = 1 << 20 // bytes
	maxLines   = 10_000
	maxLine    = 4_096    // bytes; a run of < costs its square
	maxContent = 64 << 10 // bytes outside of comment lines
	maxMarks   = 5_000    // bytes that can begin or end a token, outside of comment lines
	maxBlank   = 8        // blank lines in a row after what may be a block text; each costs a copy of it
	maxDepth   = 32       // mappings and lists around a value
	maxKeys    = 100      // of a mapping; cases copy those on the way to what they override
)

// blockText gives the index in line of what may begin a literal or folded text, or -1: its indicator after punctuation or
// space, and nothing but its options and a comment behind it. In plain text it is often something else, so that alone it
// is no fault.
func blockText(line string) int {
	for i := range len(line) {
		if line[i] != '|' && line[i] != '>' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(line[:i])
		behind := strings.TrimLeft(strings.TrimLeft(line[i+1:], "-+0123456789"), " \t")
		if before != '_' && !unicode.IsLetter(before) && !unicode.IsNumber(before) && (behind == "" || behind[0] == '#') {
			return i
		}
	}
	return -1
}

// parseYAML reads one document of plain YAML into a tree, which is null if the document is empty. It refuses what a scenario
// has no use for: anchors, aliases, tags, merge keys, directives, block texts and further documents. Line ends may be CRLF,
// and a UTF-8 byte order mark is skipped. A fault of the syntax is the only one; duplicate keys are all found.
func parseYAML(file string, data []byte) (*node, Faults) {
	text, fault := checkText(data)
	if fault == nil {
		fault = checkMarks(text)
	}
	if fault != nil {
		return nil, Faults{fault.in(file)}
	}
	tokens := lexer.Tokenize(text)
	if fault := checkTokens(tokens); fault != nil {
		return nil, Faults{fault.in(file)}
	}
	doc, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // the tree shows both places
	if err != nil {
		fault := &misplaced{place{line: 1, col: 1}, "not YAML: " + clip(err.Error())}
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			fault = &misplaced{placeOf(syntax.GetToken()), "not YAML: " + clip(syntax.GetMessage())}
		}
		if strings.Contains(lineOf(text, fault.at.line), "${") {
			fault.msg += "; between braces or brackets ${…} needs quotes around it"
		}
		return nil, Faults{fault.in(file)}
	}
	if len(doc.Docs) == 0 || doc.Docs[0].Body == nil {
		return &node{at: place{file: file, line: 1, col: 1}}, nil
	}
	b := builder{file: file}
	return b.build(doc.Docs[0].Body, maxDepth), b.faults
}

// lineOf gives a line of text, from 1; "" if it has none.
func lineOf(text string, line int) string {
	for s := range strings.SplitSeq(text, "\n") {
		if line--; line == 0 {
			return s
		}
	}
	return ""
}

// misplaced is what a text holds that it may not.
type misplaced struct {
	at  place
	msg string
}

func (m *misplaced) in(file string) Fault {
	return Fault{File: file, Line: m.at.line, Col: m.at.col, Msg: m.msg}
}

// checkText gives data as text with LF line ends and without a byte order mark, or says where it is no text.
func checkText(data []byte) (string, *misplaced) {
	if len(data) > maxFile {
		return "", &misplaced{place{}, "is over 1 MiB"}
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return "", &misplaced{place{line: 1, col: 1}, "is UTF-16; save it as UTF-8"}
	}
	text := strings.ReplaceAll(string(bytes.TrimPrefix(data, []byte("\ufeff"))), "\r\n", "\n")
	at := place{line: 1, col: 1}
	for i := 0; i < len(text); at.col++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			at = place{line: at.line + 1}
		case r == utf8.RuneError && size == 1:
			return "", &misplaced{at, "is not UTF-8"}
		case r != '\t' && (unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'):
			return "", &misplaced{at, fmt.Sprintf("control character %U", r)}
		}
		i += size
	}
	return text, nil
}

// checkMarks bounds what the lexer and the parser will have to do with text.
func checkMarks(text string) *misplaced {
	content, marks, blank := 0, 0, 0
	var block *misplaced // where a block text may begin; from there on nothing passes for a comment
	line := 0
	for s := range strings.SplitSeq(text, "\n") {
		line++
		at := place{line: line, col: 1}
		if len(s) > maxLine {
			return &misplaced{at, fmt.Sprintf("line is over %d bytes", maxLine)}
		}
		indent := len(s) - len(strings.TrimLeft(s, " "))
		rest := s[indent:]
		if blank++; strings.TrimSpace(rest) != "" {
			blank = 0
		}
		if block != nil || !strings.HasPrefix(rest, "#") {
			content += len(rest)
			marks++
			for i := range len(rest) {
				if strings.IndexByte(":,-[]{}<?&*!|>%@`'\"#", rest[i]) >= 0 {
					marks++
				}
			}
			if i := blockText(s); i >= 0 && block == nil {
				block = &misplaced{place{line: line, col: utf8.RuneCountInString(s[:i]) + 1}, noBlockText}
			}
		}
		switch {
		case line > maxLines:
			return &misplaced{at, fmt.Sprintf("is over %d lines", maxLines)}
		case block != nil && (blank > maxBlank || content > maxContent):
			return block
		case content > maxContent:
			return &misplaced{at, fmt.Sprintf("is over %d KiB without its comments", maxContent>>10)}
		case marks > maxMarks:
			return &misplaced{at, fmt.Sprintf("is over %d marks and line ends without its comments", maxMarks)}
		case strings.HasPrefix(rest, "\t") && blank == 0:
			return &misplaced{place{line: line, col: indent + 1}, "tab in the indentation; use spaces"}
		}
	}
	return nil
}

// checkTokens refuses the kinds of tokens that a scenario has no use for, and what is nested too deep.
func checkTokens(tokens token.Tokens) *misplaced {
	var (
		columns []int // of the block mappings and lists around the token, from the outside
		flow    int   // flow mappings and lists around it
		content bool  // something else than a comment has been seen
	)
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType:
			return &misplaced{placeOf(t), "anchors and aliases (& and *) are not supported; quote the text, or write the value again"}
		case token.MergeKeyType:
			return &misplaced{placeOf(t), "merge keys (<<) are not supported"}
		case token.TagType:
			return &misplaced{placeOf(t), "tags (!) are not supported; quote the text"}
		case token.DirectiveType:
			return &misplaced{placeOf(t), "directives (%) are not supported; quote the text"}
		case token.MappingKeyType:
			return &misplaced{placeOf(t), "complex keys (?) are not supported"}
		case token.LiteralType, token.FoldedType:
			return &misplaced{placeOf(t), noBlockText}
		case token.DocumentHeaderType, token.DocumentEndType:
			if content || t.Type == token.DocumentEndType {
				return &misplaced{placeOf(t), "a file has one document; remove this line"}
			}
		case token.InvalidType:
			return &misplaced{placeOf(t), "not YAML: " + clip(t.Error)}
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType:
			columns = nest(columns, t.Position.Column)
		case token.MappingValueType:
			if flow == 0 && t.Prev != nil {
				columns = nest(columns, t.Prev.Position.Column)
			}
		}
		content = content || t.Type != token.CommentType
		if len(columns)+flow > maxDepth {
			return &misplaced{placeOf(t), tooDeep}
		}
	}
	return nil
}

const (
	tooDeep     = "is nested deeper than 32"
	noBlockText = "block texts (| and >) are not supported; quote the text, it may go on over several lines"
)

// nest gives the columns of the blocks that are open once one at column has begun.
func nest(columns []int, column int) []int {
	for len(columns) > 0 && columns[len(columns)-1] >= column {
		columns = columns[:len(columns)-1]
	}
	return append(columns, column)
}

// builder turns goccy's tree into ours.
type builder struct {
	file   string
	faults Faults
}

func (b *builder) fault(at place, msg string) {
	b.faults = append(b.faults, Fault{File: b.file, Line: at.line, Col: at.col, Msg: msg})
}

// build gives the tree of from, at most depth levels of it.
func (b *builder) build(from ast.Node, depth int) *node {
	n := &node{at: b.place(from.GetToken())}
	if depth == 0 {
		b.fault(n.at, tooDeep)
		return n
	}
	switch from := from.(type) {
	case *ast.MappingNode:
		n.shape = mapping
		b.addKeys(n, from.Values, depth)
	case *ast.MappingValueNode:
		n.shape = mapping
		b.addKeys(n, []*ast.MappingValueNode{from}, depth)
	case *ast.SequenceNode:
		n.shape = list
		for _, v := range from.Values {
			n.items = append(n.items, joined(b.build(v, depth-1)))
		}
	case *ast.NullNode:
	case ast.ScalarNode:
		t := from.GetToken()
		n.shape, n.text = scalar, t.Value
		n.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	default:
		b.fault(n.at, "not YAML that a scenario may hold")
	}
	return n
}

func (b *builder) addKeys(n *node, values []*ast.MappingValueNode, depth int) {
	first := make(map[string]place, len(values))
	for _, v := range values {
		t := v.Key.GetToken()
		e := entry{key: t.Value, at: b.place(t), value: b.build(v.Value, depth-1)}
		if len(n.keys) == 0 {
			n.at = e.at
		}
		if before, twice := first[e.key]; twice {
			b.fault(e.at, fmt.Sprintf("duplicate key %q; the first is on line %d", clip(e.key), before.line))
			continue
		}
		if len(n.keys) == maxKeys {
			b.fault(e.at, fmt.Sprintf("a mapping has at most %d keys", maxKeys))
			return
		}
		first[e.key] = e.at
		n.keys = append(n.keys, e)
	}
}

// joined gives the text that a list's item like host:9876 is. Within braces goccy takes it for a mapping, but in YAML 1.2
// that needs a space behind the colon, or quotes around the key.
func joined(item *node) *node {
	if item.shape != mapping || len(item.keys) != 1 {
		return item
	}
	key, value := item.keys[0], item.keys[0].value
	behind := key.at
	behind.col += utf8.RuneCountInString(key.key) + 1
	if value.shape != scalar || value.quoted || value.at != behind {
		return item
	}
	return &node{shape: scalar, text: key.key + ":" + value.text, at: item.at}
}

// place is placeOf in the builder's file.
func (b *builder) place(t *token.Token) place {
	at := placeOf(t)
	at.file = b.file
	return at
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{line: 1, col: 1}
	}
	return place{line: max(t.Position.Line, 1), col: max(t.Position.Column, 1)}
}
