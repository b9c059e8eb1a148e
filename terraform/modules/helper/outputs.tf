output "queue" {
  description = "The queue: arn, url, name."
  value = {
    arn  = aws_sqs_queue.executions.arn
    url  = aws_sqs_queue.executions.url
    name = aws_sqs_queue.executions.name
  }

  # A worker reads the parameters at start: whoever uses the queue waits for them. Not depends_on of the module that
  # uses it, which would defer its data sources and show changes of roles at every new helper.
  depends_on = [aws_ssm_parameter.queue_url, aws_ssm_parameter.dlq_url]
}

output "dead_letter_queue" {
  description = "The dead-letter queue: arn, url, name."
  value = {
    arn  = aws_sqs_queue.dead_letter.arn
    url  = aws_sqs_queue.dead_letter.url
    name = aws_sqs_queue.dead_letter.name
  }
}
