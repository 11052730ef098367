import { ConfigError } from '../shared/config-error.ts';
import { program } from './commands.ts';
import { EXIT, standardOutput as output } from './output.ts';
import { run } from './run.ts';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  output.err(`portcullis needs Node 24 or newer and this is ${process.version}.`);
  process.exit(EXIT.couldNotCheck);
}
// Expired credentials, a stopped runtime: what the SDK says about itself is not what the user needs to read.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

// Whoever reads has seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

/** Whom calls over TLS trust. Most people set none of these. */
const TLS_VARIABLES = ['PORTCULLIS_TLS_CA_FILE', 'PORTCULLIS_TLS_VERIFY', 'NODE_TLS_REJECT_UNAUTHORIZED'];
program.hook('preAction', async (_program, command) => {
  if (!TLS_VARIABLES.some((name) => name in process.env)) return;
  const { applyOutgoingTls, problemsWithOutgoingTls } = await import('../local/outgoing-tls.ts');
  const problems = problemsWithOutgoingTls(process.env);
  if (problems.length === 0) applyOutgoingTls(process.env);
  // `up` says so together with everything else that is wrong.
  else if (command.name() !== 'up') throw new ConfigError(problems);
});

process.exitCode = await run(process.argv.slice(2), output);
// Idle connections must not keep a finished command waiting.
if (process.stdout.writableLength === 0) process.exit();
else process.stdout.once('drain', () => process.exit());
