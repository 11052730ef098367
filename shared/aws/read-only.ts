/** A client that may only read was asked to do something else. Nothing was sent. */
export class NotAReadError extends Error {
  override readonly name = 'NotAReadError';
}

/** Everything that the gate asks of an account that it only watches. Whatever is not here is refused. */
export const READS: ReadonlySet<string> = new Set([
  'DescribeAlarmHistory',
  'DescribeAlarms',
  'DescribeDataQualityJobDefinition',
  'DescribeEndpoint',
  'DescribeEndpointConfig',
  'DescribeInferenceComponent',
  'DescribeModel',
  'DescribeModelBiasJobDefinition',
  'DescribeModelExplainabilityJobDefinition',
  'DescribeModelPackage',
  'DescribeModelQualityJobDefinition',
  'DescribeMonitoringSchedule',
  'DescribeScalableTargets',
  'DescribeScheduledActions',
  'GetAlarmMuteRule',
  'GetBucketEncryption',
  'GetCallerIdentity',
  'GetProducts',
  'HeadObject',
  'ListAlarmMuteRules',
  'ListEndpoints',
  'ListInferenceComponents',
  'ListMonitoringSchedules',
  'ListObjectsV2',
  'ListTags',
  'Search',
]);

type Next = (args: object) => Promise<unknown>;
type Guarded = {
  middlewareStack: {
    add: (
      middleware: (next: Next, context: { commandName?: string }) => Next,
      options: { step: 'initialize'; priority: 'high'; name: string },
    ) => void;
  };
};

/**
 * Makes a client refuse every command but the reads above, before anything is signed or sent. By name of the command, and
 * not by the credentials, which may be allowed more than the gate should do with them.
 */
export function readOnly<Client extends object>(client: Client): Client {
  (client as unknown as Guarded).middlewareStack.add(
    (next, { commandName = 'an unnamed command' }) =>
      async (args) => {
        const name = commandName.replace(/Command$/, '');
        if (READS.has(name)) return next(args);
        throw new NotAReadError(`${name} was not sent: the account is only watched, and that is not one of the reads.`);
      },
    { step: 'initialize', priority: 'high', name: 'portcullisReadOnly' },
  );
  return client;
}
