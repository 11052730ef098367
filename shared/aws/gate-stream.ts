import type { GateStream, StreamRef } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

const ARN = /^arn:aws[a-z-]*:states:([a-z0-9-]+):(\d{12}):stateMachine:/;

/** A stream of the gate's own: in its account and region, which its state machine's ARN tells. */
export function gateStream({ config }: With, about: GateStream, name: string): StreamRef {
  const [, region, account] = ARN.exec(config.stateMachineArn) ?? [];
  if (region === undefined || account === undefined) {
    throw new Error(
      `PORTCULLIS_STATE_MACHINE_ARN is "${config.stateMachineArn}"; it must be the ARN of the gate's state machine, which tells its account.`,
    );
  }
  return { account, region, name, about };
}
