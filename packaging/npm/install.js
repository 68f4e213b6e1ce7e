// Puts the programs in the place of the scripts that would start them: node takes forty times as long to start.
const fs = require("fs");
const path = require("path");
const { meant, programs } = require("./platform.js");

const bin = path.join(__dirname, "bin");
for (const script of fs.readdirSync(bin)) {
  const program = meant(script);
  const fresh = path.join(bin, `.${script}.new`);
  try {
    fs.linkSync(path.join(programs(), program), fresh);
    fs.renameSync(fresh, path.join(bin, script));
  } catch (error) {
    if (error.code !== "EXDEV" && error.code !== "EPERM") throw error;
    fs.copyFileSync(path.join(programs(), program), fresh);
    fs.chmodSync(fresh, 0o755);
    fs.renameSync(fresh, path.join(bin, script));
  }
}
