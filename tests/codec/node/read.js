// Reads the env files DIRECTORY/0.env … as one of the parsers of node does; prints what each of them holds as a JSON list.
const fs = require('fs')
const util = require('util')
const PARSERS = {
  'node-parseEnv': (raw) => util.parseEnv(raw.toString()),
  dotenv: (raw) => require('dotenv').parse(raw),
  'dotenv-fast': (raw) => require('dotenv').parse(raw, { fast: true }),
  dotenv16: (raw) => require('dotenv16').parse(raw)
}
const [parser, directory, count] = process.argv.slice(2)
const found = []
for (let number = 0; number < Number(count); number++) {
  found.push(PARSERS[parser](fs.readFileSync(`${directory}/${number}.env`)))
}
process.stdout.write(JSON.stringify(found))
