// SPDX-License-Identifier: MIT

// Renders a chart as helm does, as far as this one needs: text/template with sprig's functions and `include` and `toYaml`.
//
//	chart <folder> <release> <namespace> [values.yaml...]
//
// prints the documents of all templates. Later files of values win over earlier ones and over the chart's own. What a chart of ours must
// not use, because it is not here: lookup, tpl, capabilities, subcharts.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type values = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func read(path string) values {
	text, err := os.ReadFile(path)
	check(err)
	var found values
	check(yaml.Unmarshal(text, &found))
	return found
}

// merge puts what is in `over` into `under`: maps member by member, everything else as a whole.
func merge(under, over values) {
	for name, value := range over {
		inner, isMap := value.(values)
		if below, isToo := under[name].(values); isMap && isToo {
			merge(below, inner)
		} else {
			under[name] = value
		}
	}
}

func functions(all *template.Template) template.FuncMap {
	found := sprig.TxtFuncMap()
	delete(found, "env")
	delete(found, "expandenv")
	found["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	found["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	return found
}

// capitalised has the members of Chart.yaml under the names that templates know them by.
func capitalised(chart values) values {
	found := values{}
	for name, value := range chart {
		found[strings.ToUpper(name[:1])+name[1:]] = value
	}
	return found
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: chart <folder> <release> <namespace> [values.yaml...]")
		os.Exit(2)
	}
	folder := os.Args[1]
	settings := read(filepath.Join(folder, "values.yaml"))
	for _, path := range os.Args[4:] {
		merge(settings, read(path))
	}
	data := values{
		"Values":  settings,
		"Chart":   capitalised(read(filepath.Join(folder, "Chart.yaml"))),
		"Release": values{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm"},
	}
	all := template.New("chart").Option("missingkey=error")
	all.Funcs(functions(all))
	paths, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	check(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(err)
		_, err = all.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	for _, path := range paths {
		if filepath.Ext(path) == ".yaml" {
			fmt.Printf("---\n# Source: %s\n", filepath.Base(path))
			check(all.ExecuteTemplate(os.Stdout, filepath.Base(path), data))
		} else if filepath.Ext(path) == ".txt" {
			check(all.ExecuteTemplate(os.Stderr, filepath.Base(path), data))
		}
	}
}
