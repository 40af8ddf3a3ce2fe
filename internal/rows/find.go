package main

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// found is a test that covers rows.
type found struct {
	name string // TestR05_ResetMidFrame, or TestSuite/R01_Killed for a subtest, whose middle names are left out
	dir  string // slash separated, from the module's root
	tags string // its file's build constraint; "" for none
	rows []int
}

// id tells tests of different packages apart.
func (f *found) id() string { return f.dir + "." + f.name }

var (
	functionName = regexp.MustCompile(`^Test((?:R\d\d_)+)\w+$`)
	misnamed     = regexp.MustCompile(`^TestR_?\d`)
	subtestName  = regexp.MustCompile(`^((?:R\d\d_)+)\w+$`)
)

// find finds the tests under root by their names, in the order of files and lines.
func find(root string) ([]found, error) {
	var tests []found
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "peers") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		in, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		more, err := inFile(path, filepath.ToSlash(in))
		tests = append(tests, more...)
		return err
	})
	return tests, err
}

// inFile finds those of one file.
func inFile(path, dir string) ([]found, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	tags := ""
	for _, group := range file.Comments {
		for _, c := range group.List {
			if c.Pos() < file.Package && constraint.IsGoBuild(c.Text) {
				tags = strings.TrimPrefix(c.Text, "//go:build ")
			}
		}
	}
	var tests []found
	add := func(name, numbers string) error {
		f := found{name: name, dir: dir, tags: tags}
		for _, r := range strings.Split(strings.TrimSuffix(numbers, "_"), "_") {
			n, err := strconv.Atoi(r[1:])
			if err != nil || n < 1 || n > len(list) {
				return fmt.Errorf("%s: %s: there is no row %s", path, name, r)
			}
			f.rows = append(f.rows, n)
		}
		tests = append(tests, f)
		return nil
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		m := functionName.FindStringSubmatch(fn.Name.Name)
		if m == nil && misnamed.MatchString(fn.Name.Name) {
			return nil, fmt.Errorf("%s: %s: a row's test is called TestR05_Name", path, fn.Name.Name)
		}
		if m != nil && fn.Recv == nil {
			if err := add(fn.Name.Name, m[1]); err != nil {
				return nil, err
			}
		}
		var bad error
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			name, ok := runs(n)
			if !ok || bad != nil {
				return bad == nil
			}
			if m := subtestName.FindStringSubmatch(name); m != nil {
				bad = add(fn.Name.Name+"/"+name, m[1])
			}
			return bad == nil
		})
		if bad != nil {
			return nil, bad
		}
	}
	return tests, nil
}

// runs is the name of a subtest that is written out in a call of Run.
func runs(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Run" {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(lit.Value)
	return name, err == nil
}
