output "queue" {
  description = "The queue: arn, url, name."
  value = {
    arn  = aws_sqs_queue.executions.arn
    url  = aws_sqs_queue.executions.url
    name = aws_sqs_queue.executions.name
  }
}

output "dead_letter_queue" {
  description = "The dead-letter queue: arn, url, name."
  value = {
    arn  = aws_sqs_queue.dead_letter.arn
    url  = aws_sqs_queue.dead_letter.url
    name = aws_sqs_queue.dead_letter.name
  }
}
