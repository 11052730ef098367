import type { Watch } from '../local/main.ts';
import { createServices } from '../shared/aws/all-services.ts';
import { probeReads, readIdentity, regionOfEnvironment } from '../shared/aws/watched-account.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { protectionVariable } from '../shared/model/protection.ts';
import { CliError, type Output, visible } from './output.ts';
import { unreachable } from './unreachable.ts';

/** Whose credentials watch which account, and how often they look. */
export type Watched = Watch & { arn: string; minutes: number };

/** Nothing of the gate's own is asked for yet, so this is where nothing listens. */
const NOWHERE = { endpoint: 'http://127.0.0.1:9', accessKeyId: 'none' };

/**
 * Which account and region the ordinary AWS credentials name, after it was tried whether they may read what the gate
 * reads. Throws CliError where they may not, with every refusal.
 */
export async function watchedAccount(region: string | undefined): Promise<Watched> {
  const where = region ?? (await regionOfEnvironment());
  if (where === undefined)
    throw new CliError(
      'Which region is to be watched? Set AWS_REGION, choose a profile with a region, or use --region.',
    );
  const config = loadConfig({ ...process.env, AWS_REGION: where });
  // Not even the first question is asked then: it might be answered by anybody.
  if (config.off.length > 0)
    throw new CliError(
      `${config.off.map(protectionVariable).join(', ')}: nothing can be switched off where a real account is watched.`,
    );
  const { accounts } = config.file.members;
  if (accounts.length > 0) {
    throw new CliError(
      `members.accounts names ${accounts.join(', ')}. "up --watch" watches the account of the credentials and no other; leave it empty here.`,
    );
  }
  const services = createServices({ ...config, ownServices: NOWHERE });
  const { account, arn } = await readIdentity(services).catch((error: unknown) => {
    throw unreachable(error);
  });
  const refused = await probeReads(services);
  if (refused.length > 0) {
    const lines = refused.map(({ action, problem }) => `  ${action}: ${visible(problem)}`);
    throw new CliError(
      `${visible(arn)} may not read what the gate has to read in ${where} of account ${account}:\n${lines.join('\n')}\nGive it these actions (the AWS managed policy SecurityAudit, or infra/member-account.yml, shows how), or use other credentials.`,
    );
  }
  return { account, region: where, arn, minutes: config.file.reading.watchMinutes };
}

/** Said before anything is done. */
export function sayWhatItDoes({ account, region, arn, minutes }: Watched, data: string, output: Output): void {
  output.out(
    [
      `Watching account ${account} in ${region}, as ${visible(arn)}.`,
      '  It reads   endpoints, configs, models, tags, monitors, alarms, scaling; of artifacts in S3 the metadata, not the contents.',
      '  It never   creates, changes or deletes anything there, whatever the credentials allow: other calls are refused on this machine.',
      `  It notices changes by looking every ${minutes} minutes, and so does not learn who made them. Who made a change counts as unknown.`,
      `  It keeps   workflow, approvals and the ledger on this machine, in ${data}. Mails do not leave it: codes are in the mailboxes of the console.`,
      '  It blocks  nothing: it says what may not stand, and people act.',
      '',
    ].join('\n'),
  );
}
