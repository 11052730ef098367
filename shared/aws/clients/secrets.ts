import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Config } from '../../config.ts';
import { own } from './options.ts';

export const secrets = (config: Config) => new SecretsManagerClient(own(config));
