// Every type of resource in the packaged template costs something, and then says by which lines, or does not, and says why.

/** Types that cost something, and the lines (see model.ts) that they cost it by. */
export const PRICED: Record<string, string[]> = {
  'AWS::ApiGatewayV2::Api': ['http'],
  'AWS::CloudTrail::Trail': ['trail-events', 'trail-files'],
  'AWS::CloudWatch::Alarm': ['alarms'],
  'AWS::CloudWatch::Dashboard': ['dashboards'],
  'AWS::DynamoDB::Table': ['writes', 'reads', 'ledger-storage', 'ledger-recovery'],
  'AWS::KMS::Key': ['keys', 'kms'],
  'AWS::Lambda::Function': ['lambda-requests', 'lambda-time'],
  'AWS::Logs::LogGroup': ['function-logs', 'execution-logs', 'log-storage'],
  'AWS::S3::Bucket': ['archive-puts', 'archive-storage'],
  'AWS::Scheduler::Schedule': ['schedule'],
  'AWS::SecretsManager::Secret': ['secrets'],
  'AWS::StepFunctions::StateMachine': ['transitions', 'traces', 'execution-logs'],
};

/** Types that cost nothing by themselves, and why. */
export const FREE: Record<string, string> = {
  'AWS::ApiGatewayV2::Integration': 'part of the API, which is paid by request',
  'AWS::ApiGatewayV2::Route': 'part of the API, which is paid by request',
  'AWS::ApiGatewayV2::Stage': 'part of the API, which is paid by request',
  'AWS::Events::EventBus': 'events of AWS services are free; those forwarded by member accounts are paid there',
  'AWS::Events::EventBusPolicy': 'a permission',
  'AWS::Events::Rule': 'rules are free, and so are events of AWS services',
  'AWS::IAM::Role': 'IAM is free',
  'AWS::KMS::Alias': 'a name for a key',
  'AWS::Lambda::EventInvokeConfig': 'a setting of a function',
  'AWS::Lambda::EventSourceMapping':
    'reading a stream is free for Lambda; the calls that it makes are counted as calls',
  'AWS::Lambda::Permission': 'a permission',
  'AWS::S3::BucketPolicy': 'a permission',
  'AWS::SNS::Subscription': 'paid by mail, and one is sent only when an alarm goes off',
  'AWS::SNS::Topic': 'paid by message, and one is sent only when an alarm goes off',
  'AWS::SNS::TopicPolicy': 'a permission',
  'AWS::SQS::Queue': 'paid by request; a dead-letter queue gets one when something could not be delivered',
  'AWS::SQS::QueuePolicy': 'a permission',
};
