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
