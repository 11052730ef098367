// npm scripts find the Node that `npm ci` brought along first; say clearly where that did not work.
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `Portcullis needs Node 24 and this is ${process.version}. On Linux (x64, arm64) "npm ci" installs one as an ` +
      'optional dependency; elsewhere install Node 24 from https://nodejs.org.',
  );
  process.exit(2);
}
