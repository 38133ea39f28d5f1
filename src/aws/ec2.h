/*
 * ec2.h - the regions of the partition that the account has enabled (EC2 DescribeRegions, API version
 * 2016-11-15).
 */
#ifndef AWS_EC2_H
#define AWS_EC2_H

#include <stdbool.h>

#include "aws/client.h"
#include "aws/names.h"

/* Appends the names of the enabled regions, in alphabetical order. ERR_MALFORMED: a reply without any. */
bool ec2_list_regions(struct aws_client *client, struct names *regions, struct err *err);

#endif
