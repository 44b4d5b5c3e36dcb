// Renders a chart the way Helm does: Go's own templates with Sprig, where a value that is not there is an error. Reads
// {"templates": {NAME: TEXT}, "data": {"Values", "Release", "Chart"}} and writes {NAME: TEXT}, both as JSON.
//
//	GO111MODULE=off GOPATH=$PWD/gopath:/usr/share/gocode go build -o render .
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type chart struct {
	Templates map[string]string      `json:"templates"`
	Data      map[string]interface{} `json:"data"`
}

func main() {
	var given chart
	check(json.NewDecoder(os.Stdin).Decode(&given))
	root := template.New("chart").Option("missingkey=error")
	root.Funcs(sprig.TxtFuncMap()).Funcs(template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var out strings.Builder
			err := root.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"toYaml": func(value interface{}) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
	})
	for name, text := range given.Templates {
		_, err := root.New(name).Parse(text)
		check(err)
	}
	rendered := map[string]string{}
	for name := range given.Templates {
		if strings.HasSuffix(name, ".tpl") {
			continue
		}
		data := map[string]interface{}{"Template": map[string]interface{}{"Name": name, "BasePath": "templates"}}
		for key, value := range given.Data {
			data[key] = value
		}
		var out strings.Builder
		check(root.ExecuteTemplate(&out, name, data))
		rendered[name] = out.String()
	}
	check(json.NewEncoder(os.Stdout).Encode(rendered))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
