import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Config } from '../../config.ts';
import { own } from './options.ts';

export const dynamodb = (config: Config) => new DynamoDBClient(own(config));
