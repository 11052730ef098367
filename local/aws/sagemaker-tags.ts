import * as z from 'zod';
import { recordedOperations } from './cloudtrail.ts';
import { pageOf, present, readInput } from './input.ts';
import { AwsError, type Loopback, missing, type ServiceTable } from './loopback.ts';
import { SAGEMAKER, TagList } from './sagemaker-resources.ts';

const Arn = z
  .string()
  .regex(/^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:[a-z-]+\/.+$/, 'Member must be a SageMaker ARN')
  .transform((arn) => arn.toLowerCase());

/** Nothing is inherited: an endpoint, its config and its models each have tags of their own. */
function tagsOf(loopback: Loopback, arn: string): z.infer<typeof TagList> {
  const [, kind = '', name = ''] = /:([a-z-]+)\/(.+)$/.exec(arn) ?? [];
  const stored = kind.endsWith('-job-definition') ? 'job-definition' : kind;
  const key = stored === kind ? name : `${kind}/${name}`;
  if (!loopback.store.get(stored, key)) throw missing(kind, arn);
  return loopback.store.get<{ tags: z.infer<typeof TagList> }>('tags', arn)?.tags ?? [];
}

const AddInput = z.strictObject({ ResourceArn: Arn, Tags: TagList });
const DeleteInput = z.strictObject({ ResourceArn: Arn, TagKeys: z.array(z.string()).min(1).max(50) });
const ListInput = z.strictObject({
  ResourceArn: Arn,
  NextToken: z.string().optional(),
  MaxResults: z.number().int().min(50).max(100).default(50),
});

export function tags(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      AddTags: (loopback, input) => {
        const { ResourceArn, Tags } = readInput(AddInput, input);
        const merged = new Map(tagsOf(loopback, ResourceArn).map((tag) => [tag.Key, tag]));
        for (const tag of Tags) merged.set(tag.Key, tag);
        if (merged.size > 50) throw new AwsError('ResourceLimitExceeded', 'A resource may have 50 tags at most.');
        loopback.store.put('tags', ResourceArn, { tags: [...merged.values()] });
        return { Tags: [...merged.values()] };
      },
      DeleteTags: (loopback, input) => {
        const { ResourceArn, TagKeys } = readInput(DeleteInput, input);
        const kept = tagsOf(loopback, ResourceArn).filter(({ Key }) => !TagKeys.includes(Key));
        loopback.store.put('tags', ResourceArn, { tags: kept });
        return {};
      },
    }),
    ListTags: (input) => {
      const { ResourceArn, NextToken, MaxResults } = readInput(ListInput, input);
      const { items, next } = pageOf(tagsOf(loopback, ResourceArn), ({ Key }) => Key, {
        token: NextToken,
        limit: MaxResults,
      });
      return present({ Tags: items, NextToken: next });
    },
  };
}
