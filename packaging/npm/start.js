#!/usr/bin/env node
// Starts the program in the package for this platform, under the name that this was called by. install.js puts the
// program itself here where npm may run it; this stays where scripts are off.
const { spawnSync } = require("child_process");
const path = require("path");
const { meant, programs } = require("../platform.js");

const name = path.basename(process.argv[1], ".js");
const run = spawnSync(path.join(programs(), meant(name)), process.argv.slice(2), { argv0: name, stdio: "inherit" });
if (run.error) throw run.error;
if (run.signal) process.kill(process.pid, run.signal);
process.exit(run.status);
