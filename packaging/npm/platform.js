const fs = require("fs");
const path = require("path");

// The folder with the programs for this platform, which are in a package of their own.
exports.programs = function () {
  const name = `seqera-credential-helper-${process.platform}-${process.arch}`;
  try {
    return path.join(path.dirname(require.resolve(`${name}/package.json`)), "bin");
  } catch {
    throw new Error(`there is no ${name}: install the programs from source (cargo install) on this platform`);
  }
};

// The program that somebody means by a name: its own, or one of the links beside it ("LINK PROGRAM" a line).
const links = fs.readFileSync(path.join(__dirname, "names"), "utf8").trim().split("\n");
const meant = new Map(links.map((line) => line.split(" ")));
exports.meant = (name) => meant.get(name) || name;
