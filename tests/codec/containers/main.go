// Reads the env files DIRECTORY/0.env … as compose or as docker does; prints what each of them holds as a JSON list.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
)

func compose(path string) map[string]string {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	values := map[string]string{}
	if dotenv.ParseWithFormat(file, path, values, func(string) (string, bool) { return "", false }, "") != nil {
		return nil
	}
	return values
}

func docker(path string) map[string]string {
	lines, err := kvfile.Parse(path, func(string) (string, bool) { return "", false })
	if err != nil {
		return nil
	}
	values := map[string]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}
	return values
}

func main() {
	read := map[string]func(string) map[string]string{"compose": compose, "docker": docker}[os.Args[1]]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	found := make([]map[string]string, count)
	for number := range found {
		found[number] = read(fmt.Sprintf("%s/%d.env", os.Args[2], number))
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
