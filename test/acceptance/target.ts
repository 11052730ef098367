import { Gate } from './gate.ts';
import { Runtime } from './runtime.ts';

// The story is told by one suite against any gate. `TEST_TARGET` says which:
//   local     (default) the runtime, started for the suite
//   endpoint  a gate that is up and whose AWS answers at AWS_ENDPOINT_URL, e.g. one started with `portcullis up`
//   aws       a stage deployed in the account of the ordinary AWS environment. It makes real endpoints, which cost money.

/** Reads a variable that a target cannot do without. */
function needed(env: NodeJS.ProcessEnv, name: string, what: string): string {
  const value = env[name];
  if (value) return value;
  throw new Error(`TEST_TARGET=${env.TEST_TARGET} needs ${name}: ${what}`);
}

/** A gate that somebody else started. */
class Standing extends Gate {
  readonly awsUrl: string | undefined;
  readonly consoleUrl: string;
  override readonly prefix = `t${Date.now().toString(36)}-`;
  constructor(env: NodeJS.ProcessEnv) {
    super();
    this.awsUrl = env.AWS_ENDPOINT_URL;
    this.consoleUrl = needed(env, 'TEST_CONSOLE_URL', 'where its console is, such as http://127.0.0.1:4510').replace(
      /\/$/,
      '',
    );
  }
}

/** A deployed stage. Nobody else's mail can be read there, and nobody can act as somebody else. */
class Deployed extends Standing {
  override readonly region: string;
  override readonly account: string;
  override readonly ledgerTable: string;
  override readonly hosting: { role: string; image: string };
  override readonly patienceMs = 20 * 60_000;
  constructor(env: NodeJS.ProcessEnv) {
    super(env);
    const stage = needed(env, 'TEST_STAGE', 'the stage that was deployed, such as dev');
    this.region = needed(env, 'AWS_REGION', 'its region');
    this.account = needed(env, 'TEST_ACCOUNT', 'its 12-digit account');
    this.ledgerTable = `portcullis-${stage}-ledger`;
    this.hosting = {
      role: needed(env, 'TEST_HOSTING_ROLE', 'the ARN of a role that SageMaker may assume'),
      image: needed(env, 'TEST_MODEL_IMAGE', 'the URI of a container image that serves models'),
    };
  }
  override credentials(): undefined {
    return undefined;
  }
}

export type Target = {
  /** Approving takes the code that only the approver is sent. */
  canDecide: boolean;
  /** Events, quarantine and other things that only the loopback AWS shows. */
  isLoopback: boolean;
  open: () => Promise<Gate>;
  close: () => Promise<void>;
};

/** The gate that `TEST_TARGET` names. Throws where it names none, or not all that is needed to reach it. */
export function targetFrom(env: NodeJS.ProcessEnv): Target {
  switch (env.TEST_TARGET ?? 'local') {
    case 'local': {
      const runtime = new Runtime();
      return {
        canDecide: true,
        isLoopback: true,
        open: async () => {
          await runtime.start();
          return runtime;
        },
        close: () => runtime.remove(),
      };
    }
    case 'endpoint':
      needed(env, 'AWS_ENDPOINT_URL', 'where its AWS answers, such as http://127.0.0.1:4566');
      return {
        canDecide: true,
        isLoopback: true,
        open: async () => new Standing(env),
        close: async () => undefined,
      };
    case 'aws':
      return {
        canDecide: false,
        isLoopback: false,
        open: async () => new Deployed(env),
        close: async () => undefined,
      };
    default:
      throw new Error(`TEST_TARGET is ${env.TEST_TARGET}; it must be local, endpoint or aws.`);
  }
}
